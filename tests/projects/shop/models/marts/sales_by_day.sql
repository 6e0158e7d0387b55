select
    days.date_day,
    count(orders.order_id) as orders,
    coalesce(sum(orders.total), 0) as revenue
from {{ ref("calendar") }} as days
left join {{ ref("fct_orders") }} as orders
    on
        days.date_day = orders.ordered_on
        and orders.status not in ('returned', 'cancelled')
group by days.date_day
