{# Hashes every row, so that the database cannot take a short cut; DuckDB only. -#}
{% macro busy(seed, rows=none) -%}
    select max(hash(number + {{ seed }})) as value
    from range({{ rows or var("rows") }}) as numbers (number)
{%- endmacro %}
