package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.FullRefreshOptions;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt retry}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run what failed in an earlier dbt run",
    description = """
        Runs `dbt retry`: the nodes of the earlier run that failed or were skipped, with the command and the options of that run; of a microbatch
        model only the batches that failed. Every node becomes a task run of its own, with its true times and its own log. WARNING if there was
        nothing to retry."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Try what failed once more, in the folder of the run that failed.",
            code = """
                id: dbt_retry
                namespace: company.team

                tasks:
                  - id: together
                    type: io.kestra.plugin.core.flow.WorkingDirectory
                    namespaceFiles:
                      enabled: true
                    inputFiles:
                      profiles.yml: |
                        shop:
                          target: dev
                          outputs:
                            dev:
                              type: duckdb
                              path: shop.duckdb
                    tasks:
                      - id: build
                        type: io.kestradbt.core.Build
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb
                        select:
                          - resource_type:seed
                        allowFailure: true

                      - id: again
                        type: io.kestradbt.core.Retry
                        runIf: "{{ (outputs.build.failed ?? []) is not empty }}"
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb
                """
        ),
        @Example(
            full = true,
            title = "Retry a run of another execution, from its run results.",
            code = """
                id: dbt_retry_later
                namespace: company.team

                inputs:
                  - id: run_results
                    type: FILE

                tasks:
                  - id: again
                    type: io.kestradbt.core.Retry
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
                    state: "{{ inputs.run_results }}"
                """
        )
    }
)
public class Retry extends AbstractDbtCommand implements NodeExecutionOptions, FullRefreshOptions, OnEmptyOptions {
    private Property<Integer> threads;

    private Property<Boolean> failFast;

    private Property<Boolean> fullRefresh;

    @Schema(
        title = "Run results of the earlier run",
        description = """
            Where its `run_results.json` is: a `kestra://` URI, a namespace file as `nsfile:///state/run_results.json`, or a folder of the working
            directory. Unset: the target folder of the project, where a run in the same `WorkingDirectory` has left it."""
    )
    @PluginProperty(group = "main")
    private Property<String> state;

    private Property<OnEmpty> onEmpty;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("retry");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeExecution(options);
        addFullRefresh(options);
        options.text("state", state);
    }
}
