select
    customers.country_code,
    count(distinct orders.customer_id) as customers,
    count(*) as orders,
    sum(orders.total) as revenue
from {{ ref("fct_orders") }} as orders
inner join {{ ref("dim_customers") }} as customers
    on orders.customer_id = customers.customer_id
where orders.status not in ('returned', 'cancelled')
group by customers.country_code
