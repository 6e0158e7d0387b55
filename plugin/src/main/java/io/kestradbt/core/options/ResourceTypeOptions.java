package io.kestradbt.core.options;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** Which types of nodes a command is about. */
public interface ResourceTypeOptions {
    @Schema(
        title = "Resource types to include",
        description = "Such as `model`, `test`, `unit_test`, `seed` or `snapshot`. Of the selected nodes only these are taken. Unset or empty: all types."
    )
    @PluginProperty(group = "main")
    Property<List<String>> getResourceTypes();

    @Schema(title = "Resource types to leave out", description = "Of the selected nodes these are not taken. Unset or empty: none.")
    @PluginProperty(group = "main")
    Property<List<String>> getExcludeResourceTypes();

    /** Add them to a request. */
    default void addResourceTypes(Options options) throws IllegalVariableEvaluationException {
        options.list("resourceTypes", getResourceTypes()).list("excludeResourceTypes", getExcludeResourceTypes());
    }
}
