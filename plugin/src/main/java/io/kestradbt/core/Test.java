package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.IndirectSelectionOptions;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.Options;
import io.kestradbt.core.options.Rendering;
import io.kestradbt.core.options.ResourceTypeOptions;
import io.kestradbt.core.options.ResumeOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.core.options.StoreFailuresOptions;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt test}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Test what a dbt project has built",
    description = """
        Runs `dbt test`: data tests and unit tests of what is in the warehouse. Every node becomes a task run of its own, with its true times and
        its own log. A test that only warns makes the task WARNING, one that fails makes it FAILED."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Load seeds, test them, and keep the rows that fail.",
            code = """
                id: dbt_test
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

                      - id: tests
                        type: io.kestradbt.core.Test
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb
                        select:
                          - resource_type:seed
                        indirectSelection: CAUTIOUS
                        storeFailures: true
                """
        )
    }
)
public class Test extends AbstractDbtCommand
    implements NodeSelectionOptions, ResourceTypeOptions, NodeExecutionOptions, IndirectSelectionOptions, StoreFailuresOptions, StateOptions, ResumeOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<List<String>> resourceTypes;

    private Property<List<String>> excludeResourceTypes;

    private Property<Integer> threads;

    private Property<Boolean> failFast;

    private Property<IndirectSelection> indirectSelection;

    private Property<Boolean> storeFailures;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    private Property<Boolean> resume;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("test");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addResourceTypes(options);
        addNodeExecution(options);
        addIndirectSelection(options);
        addStoreFailures(options);
        addState(options);
    }
}
