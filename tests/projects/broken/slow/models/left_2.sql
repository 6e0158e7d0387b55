{{ config(materialized="table") }}

-- depends_on: {{ ref("left_1") }}
{{ busy(2) }}
