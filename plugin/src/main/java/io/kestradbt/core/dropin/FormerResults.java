package io.kestradbt.core.dropin;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** A task that gives dbt's results, under the names that they have in Kestra's own plugin too. */
public interface FormerResults extends DropIn {
    @Schema(
        title = "Whether results are among the outputs",
        description = """
            Deprecated. `false`: under a type name of `io.kestra.plugin.dbt.cli`, `outputFiles` has no `run_results.json`, and there are no
            `runSummary` and `testSummary`. `artifacts`, and the nodes in the Gantt, are there in any case. Unset: `true`.""",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    Property<Boolean> getParseRunResults();
}
