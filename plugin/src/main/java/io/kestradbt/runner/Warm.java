package io.kestradbt.runner;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
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

        Tasks for dbt Core run in forks of a process of the worker that has imported dbt already, on Linux. It is made by the first task, and ends when nobody has come for ten minutes,
        after 1,000 tasks or six hours, or with the worker. Each fork has the environment, the folder and the signals of its own task alone. Where there can be none, the log says why, and the
        task runs as with `Process`."""
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
        )
    }
)
public class Warm extends Process {
    private static final String WORKER = "KESTRA_DBT_WARM";

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
        return env;
    }

    private static TaskRunnerResult<TaskRunnerDetailResult> result(int exitCode, TaskCommands taskCommands) throws TaskException {
        if (exitCode != 0) {
            throw new TaskException(exitCode, taskCommands.getLogConsumer());
        }
        return new TaskRunnerResult<>(exitCode, taskCommands.getLogConsumer());
    }
}
