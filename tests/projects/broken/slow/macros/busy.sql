{# Hashes every row, so that the database cannot take a short cut; DuckDB only. -#}
{% macro busy(seed) -%}
    select max(hash(number + {{ seed }})) as value
    from range({{ var("rows") }}) as numbers (number)
{%- endmacro %}
