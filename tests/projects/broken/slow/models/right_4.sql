{{ config(materialized="table") }}

-- depends_on: {{ ref("right_3") }}
{{ busy(4) }}
