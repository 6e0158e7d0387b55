{{ config(materialized="ephemeral") }}

select moment_id from {{ ref("moments") }}
