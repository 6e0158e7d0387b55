{{
    config(
        materialized="incremental",
        incremental_strategy="microbatch",
        event_time="happened_at",
        begin="2026-01-01",
        batch_size="day",
        lookback=0
    )
}}

select
    happened_at,
    {% if var("broken_day", none) and model.batch and model.batch.event_time_start.strftime("%Y-%m-%d") == var("broken_day") %}
    error('this day is broken') as moment_id
    {% else %}
    moment_id
    {% endif %}
from {{ ref("moments") }}
