select
    order_line_id,
    order_id,
    product_id,
    quantity,
    {{ cents_to_amount("unit_price_cents") }} as unit_price
from {{ ref("order_lines") }}
