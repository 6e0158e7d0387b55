package io.kestradbt.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.models.tasks.VoidOutput;
import io.kestra.core.runners.DynamicTaskRunLog;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.WorkerTaskResult;
import io.kestra.core.utils.IdUtils;
import io.swagger.v3.oas.annotations.media.Schema;
import org.slf4j.event.Level;

/** Task runs and lines of log and nothing else, by Kestra's own means: what a bench compares those of dbt's nodes with. */
public class TaskRuns extends Task implements RunnableTask<VoidOutput> {
    private static final String NAME = "a_node_with_a_name_that_is_as_long_as_usual";

    @Schema(title = "How many task runs")
    private int count;

    @Schema(title = "How many lines of log, before those that tell of the task runs")
    private int lines;

    @Schema(title = "Folder in which `all-in` tells that they are made; then the task waits for `go-on`. Unset: it ends at once")
    private String gate;

    public int getCount() {
        return count;
    }

    public int getLines() {
        return lines;
    }

    public String getGate() {
        return gate;
    }

    @Override
    public VoidOutput run(RunContext runContext) throws Exception {
        for (int n = 0; n < lines; n++) {
            runContext.logger().info("line {} of {} of {}", n, lines, NAME);
        }
        for (int n = 0; n < count; n++) {
            runContext.logger().info("START {} of {} {}", n, count, NAME);
            runContext.dynamicWorkerResult(new WorkerTaskResult(taskRun(runContext, n)), List.of(new DynamicTaskRunLog(Level.INFO, "line of " + NAME)));
            runContext.logger().info("OK {} of {} {}", n, count, NAME);
        }
        if (gate != null) {
            Files.createFile(Path.of(gate, "all-in"));
            while (Files.notExists(Path.of(gate, "go-on"))) {
                Thread.sleep(50);
            }
        }
        return null;
    }

    private static TaskRun taskRun(RunContext runContext, int n) {
        var now = Instant.now();
        var state = State.of(
            State.Type.SUCCESS,
            List.of(new State.History(State.Type.CREATED, now), new State.History(State.Type.RUNNING, now), new State.History(State.Type.SUCCESS, now))
        );
        return TaskRun.builder()
            .id(IdUtils.create())
            .tenantId(runContext.flowInfo().tenantId())
            .namespace(runContext.flowInfo().namespace())
            .flowId(runContext.flowInfo().id())
            .executionId(runContext.taskRunInfo().executionId())
            .parentTaskRunId(runContext.taskRunInfo().taskRunId())
            .taskId("step_" + n)
            .value("model.bench." + NAME + n)
            .state(state)
            .dynamic(true)
            .build();
    }
}
