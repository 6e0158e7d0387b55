package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** How a command works through its nodes. */
public interface NodeExecutionOptions extends ThreadOptions {
    @Schema(
        title = "Stop at the first failure",
        description = "dbt then cancels what runs and skips the rest. Unset or `false`: only what depends on a failed node is skipped."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getFailFast();

    /** Add them to a request. */
    default void addNodeExecution(Options options) throws IllegalVariableEvaluationException {
        addThreads(options);
        options.bool("failFast", getFailFast());
    }
}
