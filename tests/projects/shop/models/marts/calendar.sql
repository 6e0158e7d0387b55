with recursive days as (
    select cast('{{ var("calendar_start") }}' as date) as date_day
    union all
    select cast(date_day + interval '1 day' as date)
    from days
    where date_day < cast('{{ var("calendar_end") }}' as date)
)

select date_day from days
