{{ config(materialized="table") }}

-- depends_on: {{ ref("right_2") }}
{{ busy(3) }}
