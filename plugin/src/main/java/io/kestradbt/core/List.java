package io.kestradbt.core;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.dropin.WithoutMeaning;
import io.kestradbt.core.options.IndirectSelectionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.ResourceTypeOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt list}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "List nodes of a dbt project",
    description = """
        Runs `dbt list`. The output `nodes` is a table with a row a node: `unique_id`, `name`, `resource_type`, `package`, `path`, `tags`,
        `materialized` and `depends_on`; `count` is their number. Nothing listed is a WARNING."""
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.List",
    examples = {
        @Example(
            full = true,
            title = "List the models of a layer, and read their names from the table.",
            code = """
                id: dbt_list
                namespace: company.team

                tasks:
                  - id: models
                    type: io.kestradbt.core.List
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
                    select:
                      - tag:staging
                    resourceTypes:
                      - model

                  - id: names
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ fromIon(read(outputs.models.nodes), allRows=true) | jq('.[].name') | join(', ') }}"
                """
        ),
        @Example(
            full = true,
            title = "Count what would be built.",
            code = """
                id: dbt_count
                namespace: company.team

                tasks:
                  - id: changed
                    type: io.kestradbt.core.List
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
                    select:
                      - +fct_orders
                    outputKeys:
                      - unique_id
                      - config.materialized

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.changed.count }} nodes"
                """
        )
    }
)
public class List extends AbstractDropInCommand
    implements OnEmptyOptions, NodeSelectionOptions, ResourceTypeOptions, IndirectSelectionOptions, StateOptions, WithoutMeaning.FullRefresh, WithoutMeaning.FailFast {
    private Property<java.util.List<String>> select;

    private Property<java.util.List<String>> exclude;

    private Property<String> selector;

    private Property<java.util.List<String>> resourceTypes;

    private Property<java.util.List<String>> excludeResourceTypes;

    private Property<IndirectSelection> indirectSelection;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    @Schema(
        title = "Fields to list",
        description = "The columns of `nodes` instead of the usual ones: names of node fields, nested ones as `config.materialized`. Unset: the usual columns."
    )
    @PluginProperty(group = "main")
    private Property<java.util.List<String>> outputKeys;

    private Property<OnEmpty> onEmpty;
    private Property<Boolean> fullRefresh;

    private Property<Boolean> failFast;

    @Override
    protected java.util.List<String> command(Rendering rendering) {
        return java.util.List.of("list");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addResourceTypes(options);
        addIndirectSelection(options);
        addState(options);
        options.list("outputKeys", outputKeys);
    }
}
