select
    1 as thing_id,
    cast(1.10 as decimal(38, 2)) as price,
    12345678901234567890123456789012345 as huge,
    date '2026-01-01' as day,
    timestamp '2026-01-01 10:20:30.5' as moment,
    cast(null as varchar) as nothing,
    true as yes,
    [1, 2] as several,
    repeat('long ', 50000) as much
