{{ config(materialized="table") }}

-- depends_on: {{ ref("right_1") }}
{{ busy(2) }}
