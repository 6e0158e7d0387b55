package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.FullRefreshOptions;
import io.kestradbt.core.options.InlineOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
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

/** {@code dbt show}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Show rows of a model or of a query",
    description = """
        Runs `dbt show`: compiles the selected models, or a query, and reads some of their rows without building anything. The output `rows` is a
        table, to preview or for the tasks that follow, with every digit of numbers; `count` is their number. With several models, `unique_id` says
        whose a row is. Tests are shown only if they are selected themselves."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Show the first rows of a query.",
            code = """
                id: dbt_show
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

                      - id: rows
                        type: io.kestradbt.core.Show
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb
                        inline: |
                          select country_code, count(*) as customers
                          from {% raw %}{{ ref("customers") }}{% endraw %} group by 1 order by 2 desc
                        limit: 10

                      - id: report
                        type: io.kestra.plugin.core.log.Log
                        message: "{{ outputs.rows.count }} rows in {{ outputs.rows.rows }}"
                """
        )
    }
)
public class Show extends AbstractDbtCommand implements NodeSelectionOptions, ThreadOptions, FullRefreshOptions, InlineOptions, StateOptions, OnEmptyOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<Integer> threads;

    private Property<Boolean> fullRefresh;

    private Property<String> inline;

    private Property<Boolean> introspect;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    @Schema(title = "Rows at most", description = "Of each model, or of the query; -1: all. Unset: 5.")
    @PluginProperty(group = "main")
    private Property<Integer> limit;

    private Property<OnEmpty> onEmpty;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("show");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addThreads(options);
        addFullRefresh(options);
        addInline(options);
        addState(options);
        options.integer("limit", limit, -1).always("indirectSelection", "empty");
    }
}
