package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** A query of the task instead of nodes of the project. */
public interface InlineOptions {
    @Schema(
        title = "Query, instead of a selection",
        description = "SQL with Jinja, in which `ref`, `source` and macros work; `{% raw %}` and `{% endraw %}` around braces, on one line, keep them from Kestra. Unset: the selected nodes."
    )
    @PluginProperty(group = "main")
    Property<String> getInline();

    @Schema(
        title = "Query the warehouse while compiling",
        description = "`false`: a macro that asks the warehouse fails, instead of connecting. Unset or `true`: it may."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getIntrospect();

    /** Add them to a request. */
    default void addInline(Options options) throws IllegalVariableEvaluationException {
        options.text("inline", getInline()).bool("introspect", getIntrospect());
    }
}
