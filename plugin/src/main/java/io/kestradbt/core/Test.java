package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.dropin.WithoutMeaning;
import io.kestradbt.core.options.IndirectSelectionOptions;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.ResourceTypeOptions;
import io.kestradbt.core.options.ResumeOptions;
import io.kestradbt.core.options.RetryNodes;
import io.kestradbt.core.options.RetryNodesOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.core.options.StoreFailuresOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
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
    aliases = "io.kestra.plugin.dbt.cli.Test",
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
        ),
        @Example(
            full = true,
            title = "Test what was modified; that nothing was is fine, and a test that only warns is no reason to look.",
            code = """
                id: dbt_test_modified
                namespace: company.team

                inputs:
                  - id: production_manifest
                    type: FILE

                tasks:
                  - id: tests
                    type: io.kestradbt.core.Test
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
                    inputFiles:
                      state/manifest.json: "{{ inputs.production_manifest }}"
                    state: state
                    select:
                      - state:modified
                    onEmpty: ALLOW
                    warnings: NONE
                """
        )
    }
)
public class Test extends AbstractDropInCommand
    implements OnEmptyOptions, NodeSelectionOptions, ResourceTypeOptions, NodeExecutionOptions, IndirectSelectionOptions, StoreFailuresOptions, StateOptions,
    WithoutMeaning.FullRefresh, ResumeOptions, RetryNodesOptions {
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

    private Property<OnEmpty> onEmpty;
    private Property<Boolean> fullRefresh;

    private Property<Boolean> resume;

    private RetryNodes retryNodes;

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
