select id from {{ ref("loud") }}
