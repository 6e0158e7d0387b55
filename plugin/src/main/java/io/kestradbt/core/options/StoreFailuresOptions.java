package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** What becomes of the rows that fail a test. */
public interface StoreFailuresOptions {
    @Schema(
        title = "Keep failing rows",
        description = "Writes the rows that fail a test to a table of the warehouse. Unset: as each test's `store_failures` configuration says."
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getStoreFailures();

    /** Add them to a request. */
    default void addStoreFailures(Options options) throws IllegalVariableEvaluationException {
        options.bool("storeFailures", getStoreFailures());
    }
}
