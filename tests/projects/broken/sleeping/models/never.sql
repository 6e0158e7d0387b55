select * from {{ ref("sleeper_1") }}
