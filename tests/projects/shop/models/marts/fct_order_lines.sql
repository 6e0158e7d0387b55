select
    lines.order_line_id,
    lines.order_id,
    orders.customer_id,
    lines.product_id,
    lines.category,
    orders.ordered_at,
    orders.status,
    lines.quantity,
    lines.unit_price,
    lines.line_amount,
    lines.discount
from {{ ref("int_order_lines_priced") }} as lines
inner join {{ ref("stg_orders") }} as orders
    on lines.order_id = orders.order_id
