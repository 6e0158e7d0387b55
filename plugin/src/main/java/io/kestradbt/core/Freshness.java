package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.dropin.WithoutMeaning;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt source freshness}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Check how fresh the sources of a dbt project are",
    description = """
        Runs `dbt source freshness`. Every source with a `freshness` becomes a task run of its own: WARNING if it is older than `warn_after`, FAILED
        if it is older than `error_after`; so does the task. The artifact `sources.json` has the ages."""
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Freshness",
    examples = {
        @Example(
            full = true,
            title = "Check the sources, and build only if they are fresh enough.",
            code = """
                id: dbt_freshness
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
                      - id: seeds
                        type: io.kestradbt.core.Seed
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb

                      - id: sources
                        type: io.kestradbt.core.Freshness
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb

                      - id: build
                        type: io.kestradbt.core.Build
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb
                        select:
                          - stg_orders
                        indirectSelection: CAUTIOUS
                """
        )
    }
)
public class Freshness extends AbstractDropInCommand implements OnEmptyOptions, NodeSelectionOptions, NodeExecutionOptions, WithoutMeaning.FullRefresh {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<Integer> threads;

    private Property<OnEmpty> onEmpty;
    private Property<Boolean> failFast;

    private Property<Boolean> fullRefresh;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("source", "freshness");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addNodeExecution(options);
    }
}
