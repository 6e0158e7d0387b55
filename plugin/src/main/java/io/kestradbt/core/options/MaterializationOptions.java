package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** How models come into the warehouse. */
public interface MaterializationOptions {
    @Schema(
        title = "Rebuild from nothing",
        description = "Drops and rebuilds incremental models, and seeds. Unset: as each model's `full_refresh` configuration says."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getFullRefresh();

    @Schema(
        title = "Build with no input rows",
        description = "Limits every `ref` and `source` to zero rows: checks cheaply that all SQL runs. Unset or `false`: with all rows."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getEmpty();

    /** Add them to a request. */
    default void addMaterialization(Options options) throws IllegalVariableEvaluationException {
        options.bool("fullRefresh", getFullRefresh()).bool("empty", getEmpty());
    }
}
