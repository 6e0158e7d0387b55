{{ config(materialized="table") }}

{{ busy(1, var("first_rows", none)) }}
