-- The seed fills the source's table:
-- depends_on: {{ ref("orders") }}
select
    order_id,
    customer_id,
    cast(ordered_at as timestamp) as ordered_at,
    status,
    {{ cents_to_amount("shipping_cents") }} as shipping,
    cast(updated_at as timestamp) as updated_at
from {{ source("web_shop", "orders") }}
