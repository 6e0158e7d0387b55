package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** How a command works through its nodes. */
public interface NodeExecutionOptions {
    @Schema(title = "Nodes run at a time", description = "At least 1. Unset: `threads` of the profile's target, which is 1 unless it says otherwise.")
    @PluginProperty(group = "execution")
    Property<Integer> getThreads();

    @Schema(
        title = "Stop at the first failure",
        description = "dbt then cancels what runs and skips the rest. Unset or `false`: only what depends on a failed node is skipped."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getFailFast();

    /** Add them to a request. */
    default void addNodeExecution(Options options) throws IllegalVariableEvaluationException {
        options.integer("threads", getThreads(), 1).bool("failFast", getFailFast());
    }
}
