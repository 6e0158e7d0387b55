{{ config(materialized="table") }}

{{ busy(1) }}
