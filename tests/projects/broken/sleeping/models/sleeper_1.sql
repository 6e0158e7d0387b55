-- depends_on: {{ ref("quick") }}
select pg_sleep(600)::text as slept
