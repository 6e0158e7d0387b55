package io.kestradbt.core;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.models.DockerOptions;
import io.kestra.plugin.scripts.exec.scripts.models.RunnerType;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.core.dropin.DropIn;
import io.kestradbt.core.dropin.FormerRunner;
import io.kestradbt.core.options.Profiles;
import io.kestradbt.task.Rendering;
import io.kestradbt.task.RunnerTask;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Makes ready a working directory, as flows for Kestra's own dbt plugin do in a task of its own. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Make a virtual environment for the dbt tasks of the same WorkingDirectory",
    description = """
        For flows that were written for Kestra's own dbt plugin; elsewhere `dependencies` and `profiles` of each task do it without a task of its own,
        and the environment is kept for later runs. The environment is made in the working directory, with its commands in `bin`, where the tasks under
        `io.kestra.plugin.dbt.cli` look for `./bin/dbt`; the profiles go to `.profile/profiles.yml`, which they use."""
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Setup",
    examples = @Example(
        full = true,
        title = "Make dbt ready in one task, and build with it in the next.",
        code = """
            id: dbt_setup
            namespace: company.team

            tasks:
              - id: together
                type: io.kestra.plugin.core.flow.WorkingDirectory
                namespaceFiles:
                  enabled: true
                tasks:
                  - id: setup
                    type: io.kestradbt.core.Setup
                    requirements:
                      - dbt-core>=1.10,<1.12
                      - dbt-duckdb
                    profiles:
                      shop:
                        target: dev
                        outputs:
                          dev:
                            type: duckdb
                            path: shop.duckdb

                  - id: build
                    type: io.kestra.plugin.dbt.cli.Build
                    taskRunner:
                      type: io.kestra.plugin.core.runner.Process
                    projectDir: shop
                    select:
                      - resource_type:seed
            """
    )
)
public class Setup extends RunnerTask<DbtOutput> implements RunnableTask<DbtOutput>, DropIn { // Kestra looks for the outputs here
    @Schema(title = "Container image", description = "Only for a task runner that starts containers; the same as that of the tasks after it. Unset: `ghcr.io/kestra-io/dbt`.")
    @PluginProperty(group = "execution")
    private Property<String> containerImage;

    @Schema(title = "Python packages", description = "pip requirements, as `dbt-duckdb==1.10.0`. Unset: none, and then there is no environment either, only the profiles.")
    @PluginProperty(group = "main")
    private Property<List<String>> requirements;

    @Schema(
        title = "Connection profiles",
        description = "Text of a `profiles.yml`, or a map, written to `.profile/profiles.yml`, readable by the worker's user alone. Unset: none is written.",
        oneOf = { String.class, Map.class }
    )
    @PluginProperty(group = "connection", dynamic = true)
    @ToString.Exclude
    private Object profiles;

    @Schema(title = "Time to stop in", description = "On a kill or a `timeout`, the installation is ended; what is left after this time is killed.")
    @PluginProperty(group = "execution")
    @Builder.Default
    @NotNull
    private Property<Duration> killGrace = Property.ofValue(Duration.ofSeconds(10));

    private RunnerType runner;

    private DockerOptions docker;

    private DockerOptions dockerOptions;

    @Override
    protected RunResult carryOut(RunContext runContext, Rendering rendering, CommandsWrapper commands, Consumer<Event> listener) throws Exception {
        Request request = new Request.SetUp(rendering.list("requirements", requirements), rendering.bool("debug", getDebug()).orElse(false));
        Secrets secrets = new Secrets(Profiles.text(runContext, profiles), Map.of(), Map.of(), null);
        return runner(runContext, rendering, commands).run(request, secrets, listener);
    }

    @Override
    protected DbtOutput output(Rendering rendering, RunResult result) {
        return DbtOutput.of(result);
    }

    @Override
    protected String defaultImage(Rendering rendering) throws IllegalVariableEvaluationException {
        return AbstractDbt.CORE_IMAGE;
    }

    @Override
    protected TaskRunner<?> where() {
        return FormerRunner.of(this);
    }
}
