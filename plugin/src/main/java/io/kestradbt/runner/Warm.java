package io.kestradbt.runner;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Collectors;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.models.tasks.runners.TaskRunnerDetailResult;
import io.kestra.core.models.tasks.runners.TaskRunnerResult;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.core.runner.Process;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Runs on the worker, with what earlier requests have prepared. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run on the worker, in processes that are kept warm",
    description = """
        As the task runner `Process`, with what is costly shared between the tasks of a worker. Tasks for the dbt platform that wait for a run do so in one
        process with one pool of connections, which together keep to 3,000 calls a minute and account: a wait takes a tenth of a megabyte there, and 30 MB or more in a process of its own. The process is
        made by the first task, ends when nobody has come for ten minutes, and dies with the worker. Should it die before, its tasks go on in processes of their own, with the same runs.

        Tasks for dbt Core run in forks of a process of the worker that has imported dbt already, and has done what dbt does once for any project, on Linux. For `graph.Node`, a further one has the packed project in memory, for tasks with the same
        profiles, secrets and environment; for other tasks that are run again and again, further ones have what dbt has parsed of their project, as long as it does not change; four of them at a time. The processes of a `graph.Node` that went well stay for a minute, for a next one with all this in common, and hold nothing of the
        warehouse meanwhile. Each is made by the first task that has use for it, ends at the limits below or with the worker, and is made anew by the next task.
        A task has its own environment, folder and signals, and no other's. Where there can be none, the log says why, and the task runs as with `Process`."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Wait for many jobs of the dbt platform at once.",
            code = """
                id: dbt_platform_many
                namespace: company.team

                tasks:
                  - id: jobs
                    type: io.kestra.plugin.core.flow.Parallel
                    tasks:
                      - id: sales
                        type: io.kestradbt.platform.TriggerRun
                        taskRunner:
                          type: io.kestradbt.runner.Warm
                        host: ab123.us1.dbt.com
                        accountId: "12345"
                        token: "{{ secret('DBT_TOKEN') }}"
                        jobId: "67890"

                      - id: nightly
                        type: io.kestradbt.platform.TriggerRun
                        taskRunner:
                          type: io.kestradbt.runner.Warm
                        host: ab123.us1.dbt.com
                        accountId: "12345"
                        token: "{{ secret('DBT_TOKEN') }}"
                        jobName: Nightly build
                """
        ),
        @Example(
            full = true,
            title = "Build a project by a process that has imported dbt already.",
            code = """
                id: dbt_warm
                namespace: company.team

                tasks:
                  - id: build
                    type: io.kestradbt.core.Build
                    taskRunner:
                      type: io.kestradbt.runner.Warm
                      maxIdle: PT1H
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
                """
        )
    }
)
public class Warm extends Process {
    private static final String WORKER = "KESTRA_DBT_WARM";
    private static final String LIMITS = "KESTRA_DBT_WARM_LIMITS";

    @Schema(title = "How long a process for dbt Core stays without a task", description = "A duration, at least a second. Ten minutes unless set.")
    private Property<Duration> maxIdle;

    @Schema(title = "How long a process for dbt Core takes new tasks", description = "A duration since it began. Six hours unless set.")
    private Property<Duration> maxAge;

    @Schema(title = "How many tasks a process for dbt Core takes", description = "At least 1. 1,000 unless set.")
    private Property<Integer> maxTasks;

    @Schema(
        title = "How much memory a process for dbt Core may take, in megabytes",
        description = "Of itself: what its tasks take is given back when they end, or such processes do not stay. At least 1. 4,096 unless set. One that takes more is made anew for each task, which costs time and nothing else."
    )
    private Property<Integer> maxMemory;

    @Override
    public TaskRunnerResult<TaskRunnerDetailResult> run(RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws Exception {
        PlatformProcess.Command command = new PlatformProcess.Command(
            runContext.render(taskCommands.getCommands()).asList(String.class), env(runContext, taskCommands),
            taskCommands.getWorkingDirectory(), taskCommands.getOutputDirectory(), taskCommands.getLogConsumer()
        );
        if (PlatformProcess.takes(command)) {
            OptionalInt exitCode = PlatformProcess.carryOut(command, this::onKill);
            if (exitCode.isPresent()) {
                return result(exitCode.getAsInt(), taskCommands);
            }
            runContext.logger().warn("The process that this task shared has died: it goes on in one of its own.");
        }
        return super.run(runContext, taskCommands, filesToDownload);
    }

    /** On top of the variables of {@link Process}, the one that tells the runner to have dbt run in a fork of a warm process, which ends with the worker. */
    @Override
    public Map<String, String> env(RunContext runContext, TaskCommands taskCommands) throws IllegalVariableEvaluationException {
        Map<String, String> env = new HashMap<>(super.env(runContext, taskCommands));
        env.put(WORKER, String.valueOf(ProcessHandle.current().pid()));
        String limits = limits(runContext);
        if (!limits.isEmpty()) {
            env.put(LIMITS, limits);
        }
        return env;
    }

    /** The limits that are set, as a JSON object; nothing if none is. */
    private String limits(RunContext runContext) throws IllegalVariableEvaluationException {
        Map<String, Number> limits = new TreeMap<>();
        runContext.render(maxIdle).as(Duration.class).ifPresent(idle -> limits.put("idle_s", idle.toSeconds()));
        runContext.render(maxAge).as(Duration.class).ifPresent(age -> limits.put("age_s", age.toSeconds()));
        runContext.render(maxTasks).as(Integer.class).ifPresent(tasks -> limits.put("runs", tasks));
        runContext.render(maxMemory).as(Integer.class).ifPresent(memory -> limits.put("memory_mb", memory));
        String fields = limits.entrySet().stream().map(limit -> "\"%s\":%s".formatted(limit.getKey(), limit.getValue())).collect(Collectors.joining(","));
        return fields.isEmpty() ? "" : "{" + fields + "}";
    }

    private static TaskRunnerResult<TaskRunnerDetailResult> result(int exitCode, TaskCommands taskCommands) throws TaskException {
        if (exitCode != 0) {
            throw new TaskException(exitCode, taskCommands.getLogConsumer());
        }
        return new TaskRunnerResult<>(exitCode, taskCommands.getLogConsumer());
    }
}
