{{ config(materialized="table", event_time="happened_at") }}

select cast('2026-01-01' as timestamp) + to_hours(cast(n * 8 as bigint)) as happened_at, n as moment_id, 'here' as place
from range(9) as t (n)
