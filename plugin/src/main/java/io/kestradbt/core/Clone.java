package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.FullRefreshOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.ResourceTypeOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.core.options.ThreadOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt clone}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Clone relations of another target",
    description = """
        Runs `dbt clone`: what `state` knows is cloned into this target, by a zero-copy clone where the warehouse has one, else as a view. Every
        node becomes a task run of its own, with its true times and its own log. Relations that exist stay, unless `fullRefresh` is set."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Give a schema of its own to a change, filled with clones of production.",
            code = """
                id: dbt_clone
                namespace: company.team

                inputs:
                  - id: production_manifest
                    type: FILE

                tasks:
                  - id: clones
                    type: io.kestradbt.core.Clone
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
                    target: dev
                    state: "{{ inputs.production_manifest }}"
                    select:
                      - fct_orders
                """
        )
    }
)
public class Clone extends AbstractDbtCommand implements NodeSelectionOptions, ResourceTypeOptions, ThreadOptions, FullRefreshOptions, StateOptions, OnEmptyOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<List<String>> resourceTypes;

    private Property<List<String>> excludeResourceTypes;

    private Property<Integer> threads;

    private Property<Boolean> fullRefresh;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    private Property<OnEmpty> onEmpty;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("clone");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addResourceTypes(options);
        addThreads(options);
        addFullRefresh(options);
        addState(options);
    }
}
