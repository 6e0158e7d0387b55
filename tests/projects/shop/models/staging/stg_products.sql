select
    product_id,
    product_name,
    category,
    {{ cents_to_amount("unit_price_cents") }} as unit_price,
    is_active,
    cast(updated_at as timestamp) as updated_at
from {{ ref("products") }}
