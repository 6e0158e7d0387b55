package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.FullRefreshOptions;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.ResumeOptions;
import io.kestradbt.core.options.RetryNodes;
import io.kestradbt.core.options.RetryNodesOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt seed}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Load the CSV files of a dbt project",
    description = "Runs `dbt seed`. Every node becomes a task run of its own, with its true times and its own log."
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Seed",
    examples = {
        @Example(
            full = true,
            title = "Load all seeds, and drop their tables first.",
            code = """
                id: dbt_seed
                namespace: company.team

                tasks:
                  - id: seeds
                    type: io.kestradbt.core.Seed
                    namespaceFiles:
                      enabled: true
                    projectDir: shop
                    dependencies:
                      - dbt-core>=1.10,<1.12
                      - dbt-duckdb
                    profiles:
                      shop:
                        target: dev
                        outputs:
                          dev:
                            type: duckdb
                            path: shop.duckdb
                    fullRefresh: true

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.seeds.summary.rows_affected }} rows in {{ outputs.seeds.summary.nodes }} tables"
                """
        )
    }
)
public class Seed extends AbstractDropInCommand implements OnEmptyOptions, NodeSelectionOptions, NodeExecutionOptions, FullRefreshOptions, StateOptions, ResumeOptions, RetryNodesOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<Integer> threads;

    private Property<Boolean> failFast;

    private Property<Boolean> fullRefresh;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    private Property<Boolean> resume;

    private RetryNodes retryNodes;

    @Schema(title = "Log some rows", description = "The first rows of each loaded table, in the task's log. Unset or `false`: they are not logged.")
    @PluginProperty(group = "advanced")
    private Property<Boolean> show;

    private Property<OnEmpty> onEmpty;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("seed");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addNodeExecution(options);
        addFullRefresh(options);
        addState(options);
        options.bool("show", show);
    }
}
