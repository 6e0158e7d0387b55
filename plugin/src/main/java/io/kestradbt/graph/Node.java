package io.kestradbt.graph;

import java.util.List;
import java.util.function.Consumer;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.GraphRequest;
import io.kestradbt.bridge.NodeRows;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.RunnerFiles;
import io.kestradbt.core.AbstractDbt;
import io.kestradbt.core.DbtOutput;
import io.kestradbt.core.options.EmptyOptions;
import io.kestradbt.core.options.EventTimeOptions;
import io.kestradbt.core.options.FullRefreshOptions;
import io.kestradbt.core.options.StoreFailuresOptions;
import io.kestradbt.core.options.ThreadOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Some nodes of a packed project. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run some nodes of a dbt project that was prepared",
    description = """
        Models, seeds, snapshots with `dbt build`, tests among them, and sources with `dbt source freshness`: exactly those that are named. Nothing is parsed
        again. A model or a test that fails fails the task. The task stands for its nodes: their lines are in its log, and they are no rows of the Gantt.
        `on-run-start` and `on-run-end` hooks of the project run with each task, as with each dbt command."""
)
@Plugin(
    examples = @Example(
        full = true,
        title = "A model after its seed; the model's tests are retried on their own.",
        code = """
            id: dbt_graph_node
            namespace: company.team

            variables:
              profiles:
                shop:
                  target: dev
                  outputs:
                    dev:
                      type: duckdb
                      path: "/tmp/{{ execution.id }}.duckdb"

            tasks:
              - id: prepare
                type: io.kestradbt.graph.Prepare
                namespaceFiles:
                  enabled: true
                projectDir: shop
                profiles: "{{ render(vars.profiles) }}"

              - id: dbt
                type: io.kestradbt.graph.Dag
                concurrent: 1
                tasks:
                  - task:
                      id: raw_orders
                      type: io.kestradbt.graph.Node
                      pack: "{{ outputs.prepare.pack }}"
                      profiles: "{{ render(vars.profiles) }}"
                      nodes:
                        - seed.shop.orders
                  - task:
                      id: stg_orders
                      type: io.kestradbt.graph.Node
                      pack: "{{ outputs.prepare.pack }}"
                      profiles: "{{ render(vars.profiles) }}"
                      nodes:
                        - model.shop.stg_orders
                        - test.shop.not_null_stg_orders_order_id.81cfe2fe64
                    dependsOn:
                      - raw_orders
                  - task:
                      id: stg_orders_tests
                      type: io.kestradbt.graph.Node
                      pack: "{{ outputs.prepare.pack }}"
                      profiles: "{{ render(vars.profiles) }}"
                      nodes:
                        - test.shop.unique_stg_orders_order_id.e3b841c71a
                      retry:
                        type: constant
                        interval: PT10S
                        maxAttempts: 3
                    dependsOn:
                      - stg_orders
            """
    )
)
public class Node extends AbstractDbt implements ThreadOptions, FullRefreshOptions, EmptyOptions, EventTimeOptions, StoreFailuresOptions {
    @Schema(title = "Packed project", description = "The output `pack` of a `Prepare` task of the same execution.")
    @PluginProperty(group = "main")
    @NotNull
    private Property<String> pack;

    @Schema(
        title = "Nodes to run",
        description = "dbt's ids, as `model.shop.orders`, `test.shop.unique_orders_id.1a2b3c4d5e` or `source.shop.raw.orders`: these and no other."
    )
    @PluginProperty(group = "main")
    @NotNull
    private Property<List<String>> nodes;

    private Property<Integer> threads;

    private Property<Boolean> fullRefresh;

    private Property<Boolean> empty;

    private Property<String> eventTimeStart;

    private Property<String> eventTimeEnd;

    private Property<String> sample;

    private Property<Boolean> storeFailures;

    @Schema(title = "More arguments", description = "Passed to `dbt build` as they are, after all options, one entry a word. Unset: none.")
    @PluginProperty(group = "advanced")
    private Property<List<String>> args;

    @Override
    protected RunResult carryOut(RunContext runContext, Rendering rendering, CommandsWrapper commands, Consumer<Event> listener) throws Exception {
        PackFile.fetch(runContext, pack(rendering));
        return super.carryOut(runContext, rendering, commands, listener);
    }

    @Override
    protected Request request(Rendering rendering) throws IllegalVariableEvaluationException {
        Options options = new Options(rendering);
        addThreads(options);
        addFullRefresh(options);
        addEmpty(options);
        addEventTime(options);
        addStoreFailures(options);
        List<String> named = rendering.list("nodes", nodes);
        if (named.isEmpty()) {
            throw new IllegalArgumentException("`nodes` is empty: name at least one node, as `model.shop.orders`.");
        }
        return new GraphRequest.Node(
            PackFile.PATH, named, options.values(), rendering.list("args", args), engine(rendering), rendering.list("dependencies", getDependencies()),
            rendering.bool("debug", getDebug()).orElse(false), judgement(rendering)
        );
    }

    @Override
    protected NodeRows rows(Rendering rendering) {
        return NodeRows.LOG;
    }

    @Override
    protected DbtOutput output(Rendering rendering, RunResult result) throws IllegalVariableEvaluationException {
        return super.output(rendering, result).withPack(pack(rendering));
    }

    private String pack(Rendering rendering) throws IllegalVariableEvaluationException {
        return PackFile.uri(rendering, pack);
    }
}
