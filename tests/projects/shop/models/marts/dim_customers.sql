select
    customers.customer_id,
    customers.first_name,
    customers.last_name,
    customers.email,
    customers.city,
    customers.country_code,
    customers.signed_up_on,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.lifetime_value, 0) as lifetime_value,
    bought.first_ordered_at,
    bought.last_ordered_at,
    case
        when bought.orders is null then 'prospect'
        when bought.orders = 1 then 'new'
        else 'returning'
    end as segment
from {{ ref("stg_customers") }} as customers
left join {{ ref("int_customer_orders") }} as bought
    on customers.customer_id = bought.customer_id
