{{ make_noise() }}
select 1 as id
