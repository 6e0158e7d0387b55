package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** How many nodes a command works on at a time. */
public interface ThreadOptions {
    @Schema(title = "Nodes run at a time", description = "At least 1. Unset: `threads` of the profile's target, which is 1 unless it says otherwise.")
    @PluginProperty(group = "execution")
    Property<Integer> getThreads();

    /** Add them to a request. */
    default void addThreads(Options options) throws IllegalVariableEvaluationException {
        options.integer("threads", getThreads(), 1);
    }
}
