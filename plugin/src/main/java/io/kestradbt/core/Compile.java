package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.EmptyOptions;
import io.kestradbt.core.options.FullRefreshOptions;
import io.kestradbt.core.options.IndirectSelectionOptions;
import io.kestradbt.core.options.InlineOptions;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt compile}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Compile the SQL of a dbt project",
    description = "Runs `dbt compile`: turns models, tests and snapshots into plain SQL, which is in the artifact `target.zip`, and executes nothing. Says whether all Jinja works."
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Compile",
    examples = {
        @Example(
            full = true,
            title = "Compile the models of a change, before it is merged.",
            code = """
                id: dbt_compile
                namespace: company.team

                tasks:
                  - id: sql
                    type: io.kestradbt.core.Compile
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
                      - fct_orders
                    threads: 4

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "See {{ outputs.sql.artifacts['target.zip'] }}"
                """
        )
    }
)
public class Compile extends AbstractDropInCommand
    implements OnEmptyOptions, NodeSelectionOptions, NodeExecutionOptions, FullRefreshOptions, EmptyOptions, IndirectSelectionOptions, InlineOptions, StateOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<Integer> threads;

    private Property<Boolean> failFast;

    private Property<Boolean> fullRefresh;

    private Property<Boolean> empty;

    private Property<IndirectSelection> indirectSelection;

    private Property<String> inline;

    private Property<Boolean> introspect;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    private Property<OnEmpty> onEmpty;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("compile");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addNodeExecution(options);
        addFullRefresh(options);
        addEmpty(options);
        addIndirectSelection(options);
        addInline(options);
        addState(options);
    }
}
