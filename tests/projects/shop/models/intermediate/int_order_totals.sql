select
    orders.order_id,
    orders.customer_id,
    orders.ordered_at,
    orders.status,
    orders.updated_at,
    orders.shipping,
    sum(lines.quantity) as items,
    sum(lines.line_amount) as subtotal,
    sum(lines.line_amount) + orders.shipping as total
from {{ ref("stg_orders") }} as orders
inner join {{ ref("int_order_lines_priced") }} as lines
    on orders.order_id = lines.order_id
group by
    orders.order_id,
    orders.customer_id,
    orders.ordered_at,
    orders.status,
    orders.updated_at,
    orders.shipping
