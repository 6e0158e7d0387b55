{% macro make_noise() -%}
    {%- if execute -%}
        {%- do print("a plain line") -%}
        {%- do print('::{"outputs": {"answer": 42}}::') -%}
        {%- do print("") -%}
        {%- do print('{"info": {"name": "NodeFinished", "level": "info", "msg": "not an event"}, "data": {}}') -%}
        {%- do print("Schöne Grüße, 你好, 🙂, \u001b[31mred\u001b[0m, {{ not_a_variable }}") -%}
        {%- do log("first line\nsecond line\n\nfourth line", info=true) -%}
        {%- do log("x" * 1048576, info=true) -%}
    {%- endif -%}
{%- endmacro %}
