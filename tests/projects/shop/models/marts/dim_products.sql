select
    products.product_id,
    products.product_name,
    products.category,
    products.unit_price,
    products.is_active,
    coalesce(sum(lines.quantity), 0) as items_sold
from {{ ref("stg_products") }} as products
left join {{ ref("int_order_lines_priced") }} as lines
    on products.product_id = lines.product_id
group by
    products.product_id,
    products.product_name,
    products.category,
    products.unit_price,
    products.is_active
