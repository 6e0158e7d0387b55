{{ config(materialized="ephemeral") }}

select
    lines.order_line_id,
    lines.order_id,
    lines.product_id,
    products.category,
    lines.quantity,
    lines.unit_price,
    lines.quantity * lines.unit_price as line_amount,
    lines.quantity * (products.unit_price - lines.unit_price) as discount
from {{ ref("stg_order_lines") }} as lines
inner join {{ ref("stg_products") }} as products
    on lines.product_id = products.product_id
