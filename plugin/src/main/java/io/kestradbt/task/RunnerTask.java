package io.kestradbt.task;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

import com.fasterxml.jackson.annotation.JsonIgnore;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.InputFilesInterface;
import io.kestra.core.models.tasks.NamespaceFiles;
import io.kestra.core.models.tasks.NamespaceFilesInterface;
import io.kestra.core.models.tasks.Output;
import io.kestra.core.models.tasks.OutputFilesInterface;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.core.runner.Process;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.DbtRunException;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.NodeRows;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Runner;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import lombok.AccessLevel;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Any task that has the Python runner do something: where and how it runs. A subclass says what, and what comes of it. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = false) // Kestra's Task has no equality of its own
@Getter
@NoArgsConstructor
public abstract class RunnerTask<O extends Output> extends Task
    implements RunnableTask<O>, NamespaceFilesInterface, InputFilesInterface, OutputFilesInterface {

    /** What the type names of Kestra's own plugin begin with. */
    private static final String FORMER_NAMES = "io.kestra.plugin.dbt.";

    /** What a server of Kestra takes as it is set up by default. */
    private static final int RESULT_LIMIT = 1_048_576;

    @Schema(
        title = "Where it runs",
        description = "A task runner with its own properties. Unset: a process on the worker, with the worker's Python; a container, if the type begins with `io.kestra.plugin.dbt.cli`."
    )
    @PluginProperty(group = "execution")
    @Valid
    protected TaskRunner<?> taskRunner;

    @PluginProperty(group = "main")
    private NamespaceFiles namespaceFiles;

    @PluginProperty(group = "main", dynamic = true)
    private Object inputFiles;

    @Schema(
        title = "Files to keep besides dbt's artifacts",
        description = "Glob patterns relative to the working directory, as `reports/**`. They come back in the output `outputFiles`. Unset: none."
    )
    @PluginProperty(group = "execution")
    private Property<List<String>> outputFiles;

    @Schema(title = "Environment variables", description = "For `beforeCommands` and dbt, as `env_var` reads them. Unset: none besides those of the task runner.")
    @PluginProperty(group = "execution")
    protected Property<Map<String, String>> env;

    @Schema(title = "Shell commands to run first", description = "As `. .venv/bin/activate`; what follows runs in the same shell. The first one that fails ends the task. Unset: none.")
    @PluginProperty(group = "execution")
    protected Property<List<String>> beforeCommands;

    @Schema(title = "Shell", description = "A POSIX shell with its arguments, for `beforeCommands` and scripts.")
    @PluginProperty(group = "advanced")
    @Builder.Default
    @NotNull
    protected Property<List<String>> interpreter = Property.ofValue(List.of("/bin/sh", "-c"));

    @Schema(
        title = "Python interpreter",
        description = "Name or path of a Python 3.10 or newer. To run dbt Core, it must have it, unless `dependencies` are given."
    )
    @PluginProperty(group = "execution")
    @Builder.Default
    @NotNull
    protected Property<String> pythonPath = Property.ofValue("python3");

    @Schema(title = "Log debug lines too", description = "Those of dbt, which are in the artifact `dbt.log` in any case, and each call of the dbt platform.")
    @PluginProperty(group = "advanced")
    @Builder.Default
    protected Property<Boolean> debug = Property.ofValue(false);

    @Schema(
        title = "Bytes that Kestra takes as the result of a task",
        description = """
            Each node that is a row of the Gantt takes about 640 of them, more with long ids. Kestra fails a task whose result is larger than its server takes, and drops its
            outputs. So nodes for which there is no room have no row: their lines are in the log of the task, and `nodes` and `report.html` have them. Room is kept for those that fail.
            The default is 1 MB: look at `kestra.queue.message-protection` of your server. Raise it where that takes more; never above
            `kestra.grpc.max-inbound-message-size` (10485760 unless set), beyond which an execution does not end."""
    )
    @PluginProperty(group = "advanced")
    @Builder.Default
    @NotNull
    protected Property<Integer> resultLimit = Property.ofValue(RESULT_LIMIT);

    @JsonIgnore
    @Builder.Default
    @Getter(AccessLevel.NONE)
    @ToString.Exclude
    @EqualsAndHashCode.Exclude
    private final AtomicBoolean killed = new AtomicBoolean(false);

    @Override
    public O run(RunContext runContext) throws Exception {
        if (killed()) {
            throw new InterruptedException("The task was killed before it began.");
        }
        Rendering rendering = new Rendering(runContext);
        notices(rendering).forEach(runContext.logger()::info);
        RunResult result = carryOut(runContext, rendering, commands(runContext, rendering), event -> { });
        O output = output(rendering, result);
        if (result.stopped() && !killed()) {
            return output; // Kestra says why it failed: a `timeout`, after which it keeps outputs only of a task that returns them
        }
        if (result.failure().isPresent()) {
            throw new DbtRunException(result.failure().get(), output);
        }
        return output;
    }

    /** Kestra calls this on a thread of its queue, and then interrupts the one in {@link #run}, where the stop takes its time. */
    @Override
    public void kill() {
        killed.set(true);
    }

    /** Image of a container, if it runs in one; it may be unset. */
    public abstract Property<String> getContainerImage();

    /** Between being asked to stop and being killed. */
    public abstract Property<Duration> getKillGrace();

    /**
     * Have the runner do it, to its end. A subclass adds what comes before, meanwhile and after.
     *
     * @param listener gets each event, when the run has had it
     */
    protected abstract RunResult carryOut(RunContext runContext, Rendering rendering, CommandsWrapper commands, Consumer<Event> listener) throws Exception;

    /** What the run leaves behind. */
    protected abstract O output(Rendering rendering, RunResult result) throws IllegalVariableEvaluationException;

    /** The image of a container where none is named. */
    protected abstract String defaultImage(Rendering rendering) throws IllegalVariableEvaluationException;

    /** Where it runs. */
    protected TaskRunner<?> where() {
        return taskRunner == null ? Process.instance() : taskRunner;
    }

    /** Lines of the shell that starts the runner, right before it. */
    protected List<String> shellSetUp(Rendering rendering) throws IllegalVariableEvaluationException {
        return List.of();
    }

    /** What people should know of their properties before the run, a line each. */
    protected List<String> notices(Rendering rendering) throws IllegalVariableEvaluationException {
        return List.of();
    }

    /** Whether Kestra's restart of the execution goes on from the nodes that failed. */
    protected boolean restartable(Rendering rendering) throws IllegalVariableEvaluationException {
        return false;
    }

    /** How nodes become rows of the Gantt. */
    protected NodeRows rows(Rendering rendering) throws IllegalVariableEvaluationException {
        return restartable(rendering) ? NodeRows.RESTARTABLE : NodeRows.NODES;
    }

    /** Whether the flow uses the name of Kestra's own plugin, and so means that plugin's defaults and outputs. */
    public boolean byFormerName() {
        return getType() != null && getType().startsWith(FORMER_NAMES);
    }

    /** Whether Kestra told the task to stop for good. */
    protected final boolean killed() {
        return killed.get();
    }

    /** What carries out a request. */
    protected final Runner runner(RunContext runContext, Rendering rendering, CommandsWrapper commands) throws IllegalVariableEvaluationException {
        String python = rendering.text(pythonPath).orElse("python3");
        Duration grace = runContext.render(getKillGrace()).as(Duration.class).orElseThrow();
        boolean before = !rendering.list("beforeCommands", beforeCommands).isEmpty();
        int limit = rendering.integer("resultLimit", resultLimit, 0).orElse(RESULT_LIMIT);
        return new Runner(runContext, commands, new Runner.Manner(shellSetUp(rendering), python, before, grace, rows(rendering), limit), this::killed);
    }

    private CommandsWrapper commands(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        return new CommandsWrapper(runContext)
            .withEnv(new HashMap<>(runContext.render(env).asMap(String.class, String.class)))
            .withTaskRunner(where())
            .withContainerImage(runContext.render(getContainerImage()).as(String.class).orElse(defaultImage(rendering)))
            .withNamespaceFiles(namespaceFiles)
            .withInputFiles(inputFiles)
            .withOutputFiles(runContext.render(outputFiles).asList(String.class))
            .withEnableOutputDirectory(true)
            .withTimeout(runContext.render(getTimeout()).as(Duration.class).orElse(null))
            .withInterpreter(interpreter)
            .withBeforeCommands(beforeCommands)
            .withBeforeCommandsWithOptions(true)
            .withFailFast(true)
            .withTargetOS(TargetOS.LINUX);
    }
}
