package io.kestradbt.bridge;

import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.slf4j.event.Level;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTaskException;
import io.kestra.core.models.tasks.runners.DefaultLogConsumer;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;

/** Has a task runner carry out one request with the Python runner, and makes a result of it whatever happens. */
public final class Runner {
    private static final int NONE = -1;

    private final RunContext runContext;
    private final CommandsWrapper commands;
    private final Manner manner;
    private final BooleanSupplier killed;

    /**
     * @param commands where and how to run it: all but the command itself
     * @param killed   whether the task was told to stop for good
     */
    public Runner(RunContext runContext, CommandsWrapper commands, Manner manner, BooleanSupplier killed) {
        this.runContext = runContext;
        this.commands = commands;
        this.manner = manner;
        this.killed = killed;
    }

    /**
     * What is to be known beyond the task runner's own settings.
     *
     * @param shellSetUp     lines of the shell right before the command
     * @param python         interpreter to run it with
     * @param beforeCommands whether there are some
     * @param killGrace      between asking dbt to stop and killing it
     * @param rows           how nodes become rows of the Gantt
     * @param resultLimit    bytes that Kestra takes as the result of a task
     */
    public record Manner(List<String> shellSetUp, String python, boolean beforeCommands, Duration killGrace, NodeRows rows, long resultLimit) {}

    /**
     * Run it to its end, or stop it when this thread is interrupted.
     *
     * @param listener gets each event, when the run has had it
     * @throws IllegalArgumentException if the secrets are too large
     * @throws Exception                what stopped the task runner before the Python runner said anything
     */
    public RunResult run(Request request, Secrets secrets, Consumer<Event> listener) throws Exception {
        Map<String, String> env = new HashMap<>(commands.getEnv());
        env.put(Secrets.VARIABLE, secrets.toEnvironment());
        RunnerFiles.place(commands.getWorkingDirectory(), request);

        KestraSink sink = new KestraSink(runContext, manner.rows(), manner.resultLimit());
        Run run = new Run(sink, Clock.systemUTC());
        Consumer<Event> events = run::accept;
        EventConsumer consumer = new EventConsumer(events.andThen(listener), new DefaultLogConsumer(runContext));
        CommandsWrapper complete = commands.withEnv(env).withCommands(Property.ofValue(commandLines())).withLogConsumer(consumer);
        StoppableCommands stoppable = new StoppableCommands(complete, manner.killGrace(), () -> run.ended().isPresent(), consumer::expectKill, runContext.logger());
        Ending ending = carryOut(stoppable, complete);
        boolean stopped = stoppable.stopped() || killed.getAsBoolean();
        consumer.close();
        run.close(stopped);
        sink.close();

        Optional<String> failure = stopped ? Optional.of(stopped(run, sink)) : failure(run, ending, consumer.problem(), sink);
        run.ended().map(Event.Ended::reason).ifPresent(reason -> sink.log(Level.WARN, reason, null));
        return result(run, ending, failure, stopped, sink);
    }

    private List<String> commandLines() throws IllegalVariableEvaluationException {
        return Stream.concat(manner.shellSetUp().stream(), Stream.of(command())).toList();
    }

    private String command() throws IllegalVariableEvaluationException {
        return "exec %s %s run %s".formatted(quoted(manner.python()), quoted(absolute(RunnerFiles.RUNNER)), quoted(absolute(RunnerFiles.REQUEST)));
    }

    /** The path as the process sees it: a container has another working directory than the worker. */
    private String absolute(String path) throws IllegalVariableEvaluationException {
        return commands.getTaskRunner().toAbsolutePath(runContext, commands, path, TargetOS.LINUX);
    }

    /** A word as the shell takes it, whatever is in it. */
    public static String quoted(String word) {
        return "'" + word.replace("'", "'\\''") + "'";
    }

    private Ending carryOut(StoppableCommands stoppable, CommandsWrapper complete) {
        try {
            return Ending.of(stoppable.run(), complete);
        } catch (RunnableTaskException e) {
            return e.getOutput() instanceof ScriptOutput output ? Ending.of(output, complete) : Ending.of(e, uploaded(complete), complete);
        } catch (Exception e) {
            return Ending.of(e, uploaded(complete), complete);
        }
    }

    /** What is in the output directory; after a kill or a fault nobody else brings it in. */
    private Map<String, URI> uploaded(CommandsWrapper complete) {
        try {
            return ScriptService.uploadOutputFiles(runContext, complete.getOutputDirectory());
        } catch (IOException | RuntimeException e) {
            runContext.logger().warn("The output directory could not be uploaded: {}", e.getMessage());
            return Map.of();
        }
    }

    /** Kestra logs nothing of a task that it killed, so this is said here. */
    private static String stopped(Run run, RunSink sink) {
        String sentence = run.failure().map(Event.Failure::sentence).orElse("The run was stopped before it could tell how far it was.");
        sink.log(Level.WARN, sentence, null);
        return sentence;
    }

    private Optional<String> failure(Run run, Ending ending, Optional<RuntimeException> unread, RunSink sink) throws Exception {
        if (ending.problem() != null && !run.heard()) {
            throw ending.problem();
        }
        Optional<Exception> fault = Optional.<Exception> ofNullable(ending.problem()).or(() -> unread);
        boolean failed = run.ended().map(Event.Ended::outcome).filter(Outcome.FAILED::equals).isPresent();
        if (fault.isPresent() && !failed) {
            return fault.map(Runner::message);
        }
        fault.ifPresent(e -> sink.log(Level.WARN, message(e), null));
        return new Verdict(manner.python(), manner.beforeCommands()).failure(run, ending.exitCode());
    }

    private static String message(Exception e) {
        return e instanceof ContractException ? e.getMessage() : "The run could not be followed to its end: " + e;
    }

    private RunResult result(Run run, Ending ending, Optional<String> failure, boolean stopped, RunSink sink) {
        Map<String, URI> outputFiles = new LinkedHashMap<>(ending.files());
        outputFiles.keySet().removeAll(run.artifacts().values());
        boolean warning = run.ended().map(Event.Ended::outcome).filter(Outcome.WARNING::equals).isPresent();
        return new RunResult(
            run.ended().map(Event.Ended::exitCode).orElse(ending.exitCode()), artifacts(run, ending, sink), outputFiles, ending.vars(),
            run.summary(), run.runSummary(), run.testSummary(), run.failed(), run.count(), run.project(), run.links(), run.platformRun(),
            run.promotion(), run.flow(), warning, stopped, failure
        );
    }

    private static Map<String, URI> artifacts(Run run, Ending ending, RunSink sink) {
        Map<String, URI> artifacts = new LinkedHashMap<>();
        run.artifacts().forEach((name, file) -> {
            URI uri = ending.files().get(file);
            if (uri == null) {
                sink.log(Level.WARN, "The artifact %s did not come back from the task runner.".formatted(name), null);
            } else {
                artifacts.put(name, uri);
            }
        });
        return artifacts;
    }

    /** How the process ended: with an exit code, or with what kept it from one. */
    private record Ending(int exitCode, Map<String, URI> files, Map<String, Object> vars, Exception problem) {
        static Ending of(ScriptOutput output, CommandsWrapper commands) {
            return new Ending(output.getExitCode(), Objects.requireNonNullElse(output.getOutputFiles(), Map.of()), vars(commands), null);
        }

        static Ending of(Exception problem, Map<String, URI> files, CommandsWrapper commands) {
            return new Ending(NONE, files, vars(commands), problem);
        }

        private static Map<String, Object> vars(CommandsWrapper commands) {
            return commands.getLogConsumer().getOutputs();
        }
    }
}
