select
    category,
    sum(quantity) as items,
    sum(line_amount) as revenue,
    sum(discount) as discount
from {{ ref("fct_order_lines") }}
where status not in ('returned', 'cancelled')
group by category
