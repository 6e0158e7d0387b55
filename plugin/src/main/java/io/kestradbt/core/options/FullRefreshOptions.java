package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** Building from nothing. */
public interface FullRefreshOptions {
    @Schema(
        title = "Rebuild from nothing",
        description = "Drops and rebuilds incremental models, and seeds. Unset: as each model's `full_refresh` configuration says."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getFullRefresh();

    /** Add them to a request. */
    default void addFullRefresh(Options options) throws IllegalVariableEvaluationException {
        options.bool("fullRefresh", getFullRefresh());
    }
}
