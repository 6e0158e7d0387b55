{{ config(materialized="table") }}

-- depends_on: {{ ref("left_2") }}
{{ busy(3) }}
