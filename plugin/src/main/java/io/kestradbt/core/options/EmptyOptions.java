package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** Building without data. */
public interface EmptyOptions {
    @Schema(
        title = "Build with no input rows",
        description = "Limits every `ref` and `source` to zero rows: checks cheaply that all SQL runs. Unset or `false`: with all rows."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getEmpty();

    /** Add them to a request. */
    default void addEmpty(Options options) throws IllegalVariableEvaluationException {
        options.bool("empty", getEmpty());
    }
}
