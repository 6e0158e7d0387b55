select 1 as id, 'Ada' as name
union all
select 2 as id, null as name
union all
select 3 as id, null as name
