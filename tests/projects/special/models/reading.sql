select count(*) as moments from {{ ref("passing") }}
