package io.kestradbt.graph;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
import io.kestradbt.core.AbstractDbt;
import io.kestradbt.core.DbtOutput;
import io.kestradbt.state.Promotion;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** One run of the results of all nodes. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Make one run of the results of a graph's nodes",
    description = """
        Takes what the `Node` tasks of this execution left that worked on the same pack, and leaves what a single `Build` would: one `run_results.json` and
        `manifest.json`, as `dbt retry` and `state:` selectors read them, the table `nodes`, figures, and a summary page. Nodes that did not run because
        another one failed are in it, as skipped. After a restart the newest result of each node counts. It belongs into `finally` of the flow, so that it
        also runs after a failure. If nodes failed, it is a WARNING that names them; the graph itself has failed then. It needs no dbt, unless it writes
        the documentation. If `Prepare` has `state: auto`, and every node of the project has done well, the state is replaced."""
)
@Plugin(
    examples = @Example(
        full = true,
        title = "Two tasks of a graph, and what they did as one run.",
        code = """
            id: dbt_graph_collect
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

            finally:
              - id: collect
                type: io.kestradbt.graph.Collect
                pack: "{{ outputs.prepare.pack ?? '' }}"
                generateDocs: true
                profiles: "{{ render(vars.profiles) }}"
            """
    )
)
public class Collect extends AbstractDbt {
    @Schema(title = "Packed project", description = "The output `pack` of the `Prepare` task that the nodes used, as `{{ outputs.prepare.pack ?? '' }}`: if it is empty, the task says that `Prepare` made none.")
    @PluginProperty(group = "main")
    @NotNull
    private Property<String> pack;

    @Schema(
        title = "All nodes of the graph",
        description = "dbt's ids. One that has no result is told as skipped. Unset: those that have one, and what depends on a node that failed."
    )
    @PluginProperty(group = "main")
    private Property<List<String>> nodes;

    @Schema(
        title = "Nodes that the graph leaves out",
        description = """
            dbt's ids, as `kestra-dbt flow --exclude` writes them. The graph is of the whole project nevertheless, and so replaces its state, as a `Build`
            with `exclude` does. Unset: none."""
    )
    @PluginProperty(group = "main")
    private Property<List<String>> exclude;

    @Schema(
        title = "Write the documentation too",
        description = """
            If no node failed, as the artifacts `catalog.json` and `docs.html`, one static page. This needs what a `Node` needs: the same `profiles` and
            the same dbt, as by `dependencies`, which nothing else here uses. Unset or `false`: it is not written."""
    )
    @PluginProperty(group = "main")
    @Builder.Default
    private Property<Boolean> generateDocs = Property.ofValue(false);

    @Override
    protected RunResult carryOut(RunContext runContext, Rendering rendering, CommandsWrapper commands, Consumer<Event> listener) throws Exception {
        String uri = rendering.text(pack).map(String::strip)
            .orElseThrow(() -> new IllegalArgumentException("Prepare made no pack, so no node ran and there is nothing to collect: see in the log of Prepare why it failed."));
        PackFile.fetch(runContext, uri);
        Request request = request(rendering).of(parts(runContext, uri));
        RunResult result = runner(runContext, rendering, commands).run(request, secrets(runContext, rendering, commands), listener);
        new Promotion(runContext).after(result, killed());
        return result;
    }

    @Override
    protected GraphRequest.Collect request(Rendering rendering) throws IllegalVariableEvaluationException {
        return new GraphRequest.Collect(
            PackFile.PATH, List.of(), rendering.list("nodes", nodes), rendering.list("exclude", exclude),
            rendering.bool("generateDocs", generateDocs).orElse(false), engine(rendering), rendering.list("dependencies", getDependencies()), rendering.bool("debug", getDebug()).orElse(false), judgement(rendering)
        );
    }

    @Override
    protected NodeRows rows(Rendering rendering) {
        return NodeRows.NONE;
    }

    @SuppressWarnings("unchecked")
    private static List<GraphRequest.Part> parts(RunContext runContext, String pack) throws IOException {
        Map<String, Object> outputs = runContext.getVariables().get("outputs") instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
        List<GraphRequest.Part> parts = new ArrayList<>();
        for (Map.Entry<String, List<URI>> sibling : Siblings.of(outputs, pack).entrySet()) {
            List<String> files = new ArrayList<>();
            for (URI file : sibling.getValue()) {
                String name = Path.of(file.getPath()).getFileName().toString();
                files.add(PackFile.fetch(runContext, file, "%d-%d-%s".formatted(parts.size(), files.size(), name)));
            }
            parts.add(new GraphRequest.Part(sibling.getKey(), files));
        }
        return parts;
    }
}
