package io.kestradbt.graph;

import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.GraphRequest;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.core.AbstractDbtCommand;
import io.kestradbt.core.DbtOutput;
import io.kestradbt.core.options.IndirectSelectionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.state.Continuity;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code kestra-dbt flow}, from within Kestra. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Write the flow of a dbt project, and put it on a Kestra server",
    description = """
        Brings the packages, has dbt parse the project, and writes the flow in which its nodes are tasks of a `Dag`, and their refs its edges: the output `flow`.
        With `deployTo`, Kestra gets the flow, unless it has one already that means the same. So a push to Git can keep the flow up to date. The same as
        the command `kestra-dbt flow`."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Write the flow of the project in the files of the namespace, a task a layer.",
            code = """
                id: dbt_flow
                namespace: company.team

                tasks:
                  - id: flow
                    type: io.kestradbt.graph.Flow
                    namespaceFiles:
                      enabled: true
                    projectDir: shop
                    profiles:
                      shop:
                        target: dev
                        outputs:
                          dev:
                            type: duckdb
                            path: shop.duckdb
                    granularity: LAYER

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.flow.tasks }} tasks: {{ read(outputs.flow.flow) }}"
                """
        ),
        @Example(
            full = true,
            title = "Deploy the flow of a Git repository when it is pushed to; the flow that is deployed clones it, too.",
            code = """
                id: dbt_flow_deploy
                namespace: company.team

                variables:
                  profiles:
                    shop:
                      target: prod
                      outputs:
                        prod:
                          type: postgres
                          host: warehouse.example.com
                          user: dbt
                          password: "{{ secret('WAREHOUSE_PASSWORD') }}"
                          port: 5432
                          dbname: shop
                          schema: public

                tasks:
                  - id: flow
                    type: io.kestradbt.graph.Flow
                    beforeCommands:
                      - git clone --depth 1 https://github.com/example/shop.git shop
                    projectDir: shop
                    profiles: "{{ render(vars.profiles) }}"
                    settingsFile: shop/kestra.yaml
                    deployTo: "{{ kestra.url }}"
                    apiToken: "{{ secret('KESTRA_TOKEN') }}"

                triggers:
                  - id: push
                    type: io.kestra.plugin.core.trigger.Webhook
                    key: "{{ secret('WEBHOOK_KEY') }}"
                """
        )
    }
)
public class Flow extends AbstractDbtCommand implements NodeSelectionOptions, IndirectSelectionOptions, FlowOptions, Deployment {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<IndirectSelection> indirectSelection;

    @Schema(
        title = "Manifest instead of a project",
        description = """
            A `manifest.json`, relative to the working directory, as `inputFiles` brings it from an earlier run. It is taken as a whole, without a project, a selection
            or a dbt. Unset: dbt reads the project."""
    )
    @PluginProperty(group = "main")
    private Property<String> manifest;

    private Property<String> flowId;

    @Builder.Default
    @NotNull
    private Property<String> namespace = Property.ofExpression("{{ flow.namespace }}");

    private Property<Integer> concurrent;

    private Property<Granularity> granularity;

    private Property<TestPlace> tests;

    private Property<Boolean> freshnessGates;

    private Property<Boolean> exposures;

    private Property<String> docsUrl;

    private Map<String, Object> settings;

    private Property<String> settingsFile;

    private Property<String> deployTo;

    @Builder.Default
    @NotNull
    private Property<String> tenant = Property.ofExpression("{{ flow.tenantId ?? 'main' }}");

    @ToString.Exclude
    private Property<String> apiToken;

    private Property<String> username;

    @ToString.Exclude
    private Property<String> password;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("ls");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addIndirectSelection(options);
    }

    @Override
    protected Request request(Rendering rendering) throws IllegalVariableEvaluationException {
        return new GraphRequest.Flow(
            rendering.text(manifest).orElse(null), options(rendering).values(), rendering.list("args", getArgs()), flowOptions(rendering),
            rendering.text(settingsFile).orElse(null), rendering.text(deployTo).orElse(null), rendering.text(tenant).orElse(null), engine(rendering),
            rendering.list("dependencies", getDependencies()), rendering.bool("debug", getDebug()).orElse(false), judgement(rendering)
        );
    }

    /** Nothing of earlier runs. */
    @Override
    protected Optional<Continuity> continuity(RunContext runContext, Rendering rendering, Request request, Secrets secrets) {
        return Optional.empty();
    }

    @Override
    protected Secrets secrets(RunContext runContext, Rendering rendering, CommandsWrapper commands) throws Exception {
        return super.secrets(runContext, rendering, commands).withKestra(login(runContext, rendering));
    }

    @Override
    protected DbtOutput output(Rendering rendering, RunResult result) throws IllegalVariableEvaluationException {
        return super.output(rendering, result).withFlow(result);
    }
}
