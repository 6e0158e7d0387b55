select id from {{ ref("elsewhere") }}
