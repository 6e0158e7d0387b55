package io.kestradbt.core;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.core.dropin.DropIn;
import io.kestradbt.core.dropin.FormerResults;
import io.kestradbt.core.dropin.FormerRunner;
import io.kestradbt.core.options.Engine;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.OnEmptyOptions.OnEmpty;
import io.kestradbt.core.options.Profiles;
import io.kestradbt.core.options.Warnings;
import io.kestradbt.state.Continuity;
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

/** Any task that runs dbt: which dbt, on which warehouse. A subclass says what it is to do. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
public abstract class AbstractDbt extends RunnerTask<DbtOutput> implements RunnableTask<DbtOutput> { // once more: Kestra looks for the outputs here
    static final String CORE_IMAGE = "ghcr.io/kestra-io/dbt";

    private static final String FUSION_IMAGE = "ghcr.io/kestra-io/dbt-fusion";

    @Schema(
        title = "Container image",
        description = """
            Only for a task runner that starts containers. It must have Python 3.10 or newer, and dbt unless `dependencies` are given.
            Unset: `ghcr.io/kestra-io/dbt`, with `engine: FUSION` `ghcr.io/kestra-io/dbt-fusion`."""
    )
    @PluginProperty(group = "execution")
    protected Property<String> containerImage;

    @Schema(
        title = "Python packages",
        description = """
            pip requirements, as `dbt-duckdb==1.10.0`. If the interpreter has no dbt, they go into a virtual environment, which is kept and used
            again for the same list; with [uv](https://docs.astral.sh/uv/) on the machine that takes seconds. Unset: dbt must be there."""
    )
    @PluginProperty(group = "execution")
    protected Property<List<String>> dependencies;

    @Schema(
        title = "dbt engine",
        description = """
            - `AUTO`: a dbt Core that `pythonPath`, `dependencies` or the `dbt` on PATH lead to; where none can be imported, the command `dbt` on PATH.
            - `CORE`: as `AUTO`, but never a command.
            - `FUSION`: the command `dbtf` or `dbt` on PATH, whichever dbt it is; never imported.

            A command is followed by its JSON log, with the same outputs. It gets `vars` and arguments of macros on its command line."""
    )
    @PluginProperty(group = "execution")
    @Builder.Default
    @NotNull
    protected Property<Engine> engine = Property.ofValue(Engine.AUTO);

    @Schema(
        title = "Connection profiles",
        description = """
            What dbt reads as `profiles.yml`: its text, or a map. Never written to the log or into the project; expressions such as
            `{{ secret('WAREHOUSE_PASSWORD') }}` are rendered, and in a map a whole expression keeps the type of its value.
            Unset: dbt looks for a `profiles.yml` as usual.""",
        oneOf = { String.class, Map.class }
    )
    @PluginProperty(group = "connection", dynamic = true)
    @ToString.Exclude
    protected Object profiles;

    @Schema(
        title = "Time to stop in",
        description = """
            On a kill or a `timeout`, dbt is interrupted and cancels its queries; what has not ended after this time is killed. Needs a task
            runner that shares the working directory with the worker, as a process does; elsewhere the task runner kills in its own way."""
    )
    @PluginProperty(group = "execution")
    @Builder.Default
    @NotNull
    protected Property<Duration> killGrace = Property.ofValue(Duration.ofSeconds(10));

    @Schema(
        title = "Which warnings make the task WARNING",
        description = """
            - `NONE`: no warning of dbt.
            - `NODES`: tests that warn, and sources that are older than `warn_after` allows.
            - `DEPRECATIONS`: these, and dbt's deprecations, which it tells when it parses the file that has one.
            - `ALL`: these, and every other warning of dbt, as of a configuration that applies to nothing.

            Unset: `NODES`. All are in the log in any case, and `warnErrorOptions` makes errors of some. That nothing was selected is for `onEmpty`
            to judge, and a dbt that failed in commands that went on is a warning always."""
    )
    @PluginProperty(group = "execution")
    protected Property<Warnings> warnings;

    @Override
    protected RunResult carryOut(RunContext runContext, Rendering rendering, CommandsWrapper commands, Consumer<Event> listener) throws Exception {
        Request request = request(rendering);
        Secrets secrets = secrets(runContext, rendering, commands);
        Optional<Continuity> continuity = continuity(runContext, rendering, request, secrets);
        CommandsWrapper wrapper = continuity.isPresent() ? continuity.get().files(commands) : commands;
        if (continuity.isPresent()) {
            request = continuity.get().begin(wrapper, secrets);
        }
        RunResult result = runner(runContext, rendering, wrapper).run(request, secrets, listener);
        continuity.ifPresent(kept -> kept.end(result, killed()));
        return result;
    }

    /** What the runner is to do. */
    protected abstract Request request(Rendering rendering) throws IllegalVariableEvaluationException;

    /** What counts as a success; null: the defaults. */
    protected Request.Judgement judgement(Rendering rendering) throws IllegalVariableEvaluationException {
        Property<OnEmpty> onEmpty = this instanceof OnEmptyOptions options ? options.getOnEmpty() : null;
        return Request.Judgement.of(
            rendering.constant("onEmpty", onEmpty, OnEmpty.class).map(Rendering::word).orElse(null),
            rendering.constant("warnings", warnings, Warnings.class).map(Rendering::word).orElse(null)
        );
    }

    /** The engine for a request; null stands for the default. */
    protected final String engine(Rendering rendering) throws IllegalVariableEvaluationException {
        return rendering.constant("engine", engine, Engine.class).filter(wanted -> wanted != Engine.AUTO).map(Engine::name).orElse(null);
    }

    /** What to take over from earlier runs and to leave for later ones, if the task has that. */
    protected Optional<Continuity> continuity(RunContext runContext, Rendering rendering, Request request, Secrets secrets) throws IllegalVariableEvaluationException {
        return Optional.empty();
    }

    /** What only the environment may carry. */
    protected Secrets secrets(RunContext runContext, Rendering rendering, CommandsWrapper commands) throws Exception {
        return new Secrets(Profiles.text(runContext, profiles), Map.of(), Map.of(), null);
    }

    @Override
    protected TaskRunner<?> where() {
        return this instanceof DropIn task ? FormerRunner.of(task) : super.where();
    }

    @Override
    protected String defaultImage(Rendering rendering) throws IllegalVariableEvaluationException {
        return Engine.FUSION.name().equals(engine(rendering)) ? FUSION_IMAGE : CORE_IMAGE;
    }

    /** With the outputs of Kestra's own plugin under its names. */
    @Override
    protected DbtOutput output(Rendering rendering, RunResult result) throws IllegalVariableEvaluationException {
        return this instanceof FormerResults task && task.byFormerName()
            ? DbtOutput.former(result, rendering.bool("parseRunResults", task.getParseRunResults()).orElse(true))
            : DbtOutput.of(result);
    }
}
