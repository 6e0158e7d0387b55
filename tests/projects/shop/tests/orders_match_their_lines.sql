-- An order's subtotal is the sum of its lines.
select
    orders.order_id,
    orders.subtotal,
    sum(lines.line_amount) as lines_amount
from {{ ref("fct_orders") }} as orders
left join {{ ref("fct_order_lines") }} as lines
    on orders.order_id = lines.order_id
group by orders.order_id, orders.subtotal
having orders.subtotal <> coalesce(sum(lines.line_amount), 0)
