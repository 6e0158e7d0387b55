{% macro note(text, times=1) %}
    {% for _ in range(times) %}{% do log("Noted: " ~ text | length ~ " characters", info=true) %}{% endfor %}
{% endmacro %}

{% macro boom() %}
    {{ exceptions.raise_compiler_error("The operation went wrong.") }}
{% endmacro %}
