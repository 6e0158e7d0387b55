select 1 as thing_id, cast(1.10 as decimal(38, 2)) as price
