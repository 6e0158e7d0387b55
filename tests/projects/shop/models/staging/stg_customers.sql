select
    customer_id,
    first_name,
    last_name,
    lower(email) as email,
    city,
    country_code,
    cast(signed_up_on as date) as signed_up_on
from {{ ref("customers") }}
