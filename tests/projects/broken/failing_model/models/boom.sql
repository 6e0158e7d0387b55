{{ config(materialized="table") }}

-- Compiles, and fails only when it runs.
select cast('not a number' as integer) as id
