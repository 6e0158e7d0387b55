{{ config(materialized="table") }}

-- depends_on: {{ ref("left_3") }}
{{ busy(4) }}
