package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.NodeSelectionOptions;
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

/** {@code dbt docs generate}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Write the documentation of a dbt project",
    description = """
        Runs `dbt docs generate`: the artifact `docs.html` is the whole documentation on one page that needs no server; `catalog.json` and
        `manifest.json` are what other tools read."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Write the documentation of what is in the warehouse.",
            code = """
                id: dbt_docs
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

                      - id: docs
                        type: io.kestradbt.core.Docs
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb

                      - id: report
                        type: io.kestra.plugin.core.log.Log
                        message: "Download {{ outputs.docs.artifacts['docs.html'] }}"
                """
        )
    }
)
public class Docs extends AbstractDbtCommand implements NodeSelectionOptions, ThreadOptions, StateOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<Integer> threads;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    @Schema(title = "Compile the project first", description = "`false`: the documentation has no compiled SQL. Unset or `true`: it has.")
    @PluginProperty(group = "execution")
    private Property<Boolean> compile;

    @Schema(title = "Leave the warehouse alone", description = "The catalog then has no columns and no statistics. Unset or `false`: the warehouse is asked for them.")
    @PluginProperty(group = "execution")
    private Property<Boolean> emptyCatalog;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("docs", "generate");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addThreads(options);
        addState(options);
        options.bool("compile", compile).bool("emptyCatalog", emptyCatalog).always("static", true);
    }
}
