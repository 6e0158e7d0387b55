{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="order_id",
        on_schema_change="append_new_columns",
    )
}}

select
    order_id,
    customer_id,
    ordered_at,
    cast(ordered_at as date) as ordered_on,
    status,
    items,
    subtotal,
    shipping,
    total,
    updated_at
from {{ ref("int_order_totals") }}
{% if is_incremental() %}
-- An order changes until it is delivered, so the clock is its last update.
where updated_at >= (select max(updated_at) from {{ this }})
{% endif %}
