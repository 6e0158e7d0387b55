select
    customer_id,
    count(*) as orders,
    sum(total) as lifetime_value,
    min(ordered_at) as first_ordered_at,
    max(ordered_at) as last_ordered_at
from {{ ref("int_order_totals") }}
where status not in ('returned', 'cancelled')
group by customer_id
