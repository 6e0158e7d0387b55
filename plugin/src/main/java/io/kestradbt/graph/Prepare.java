package io.kestradbt.graph;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.core.AbstractDbtCommand;
import io.kestradbt.core.DbtOutput;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt deps} and {@code dbt parse}, and all of it in one file. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Prepare a dbt project for the nodes of a graph",
    description = """
        Brings the packages, parses the project once, and packs both as one file, the output `pack`, which `Node` tasks use on any worker without parsing again.
        Target, profile name, `vars` and the earlier state to defer to are taken over from here. Connection profiles are not packed, unless the project has a
        `profiles.yml` of its own; variables are, so passwords belong into `env`. The same project makes the same pack."""
)
@Plugin(
    examples = @Example(
        full = true,
        title = "A model after its seed, each a task of the flow.",
        code = """
            id: dbt_graph_prepare
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
            """
    )
)
public class Prepare extends AbstractDbtCommand implements StateOptions {
    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("parse");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addState(options);
    }

    @Override
    protected Request request(Rendering rendering) throws IllegalVariableEvaluationException {
        return ((Request.DbtCommand) super.request(rendering)).packed();
    }

    @Override
    protected DbtOutput output(Rendering rendering, RunResult result) throws IllegalVariableEvaluationException {
        DbtOutput output = super.output(rendering, result);
        return result.artifacts().containsKey(PackFile.NAME) ? output.withPack(result.artifacts().get(PackFile.NAME).toString()) : output;
    }
}
