{% macro log_outcome(results) -%}
    {%- if execute -%}
        {%- set counts = {} -%}
        {%- for result in results -%}
            {%- set status = result.status | string -%}
            {%- do counts.update({status: counts.get(status, 0) + 1}) -%}
        {%- endfor -%}
        {%- set parts = [] -%}
        {%- for status, count in counts | dictsort -%}
            {%- do parts.append(count ~ " " ~ status) -%}
        {%- endfor -%}
        {%- do log("Shop outcome: " ~ (parts | join(", ") or "nothing ran"), info=true) -%}
    {%- endif -%}
{%- endmacro %}
