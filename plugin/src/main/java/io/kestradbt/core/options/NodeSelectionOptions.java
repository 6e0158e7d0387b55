package io.kestradbt.core.options;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** Which nodes a command is about. */
public interface NodeSelectionOptions {
    @Schema(
        title = "Nodes to include",
        description = """
            In dbt's [selection syntax](https://docs.getdbt.com/reference/node-selection/syntax), as `stg_orders+` or `tag:nightly`.
            A node is included if any entry names it. Unset or empty: all nodes."""
    )
    @PluginProperty(group = "main")
    Property<List<String>> getSelect();

    @Schema(title = "Nodes to leave out", description = "In dbt's selection syntax; wins over `select`. Unset or empty: none.")
    @PluginProperty(group = "main")
    Property<List<String>> getExclude();

    @Schema(
        title = "Name of a selector",
        description = "One of the project's `selectors.yml`. dbt then ignores `select` and `exclude`."
    )
    @PluginProperty(group = "main")
    Property<String> getSelector();

    /** Add them to a request. */
    default void addNodeSelection(Options options) throws IllegalVariableEvaluationException {
        options.list("select", getSelect()).list("exclude", getExclude()).text("selector", getSelector());
    }
}
