package io.kestradbt.bridge;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonProcessingException;

import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.State;
import io.kestra.core.runners.DynamicTaskRunLog;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.WorkerTaskResult;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.utils.IdUtils;

/**
 * Makes a task run of each node: a row of the Gantt, with its own times and log. Without an attempt, which would say the same once more, and
 * for which Kestra's pages take the task run itself.
 */
final class NodeTaskRuns {
    /** Kestra's tables take 256 characters, and a longer one has shut a server down. */
    private static final int LONGEST_TASK_ID = 120;

    private final RunContext runContext;
    private final RunContext.FlowInfo flow;
    private final RunContext.TaskRunInfo task;
    private final String execution;
    private final boolean restartable;
    private final ResultSpace space;

    /**
     * @param restartable whether Kestra's restart of the execution is to work, for which no node may be FAILED at last
     * @param space       for all of them
     */
    NodeTaskRuns(RunContext runContext, boolean restartable, ResultSpace space) {
        this.runContext = runContext;
        this.restartable = restartable;
        this.space = space;
        this.flow = runContext.flowInfo();
        this.task = runContext.taskRunInfo();
        // Not told by the task run's own information on any version.
        this.execution = runContext.getVariables().get("execution") instanceof Map<?, ?> map && map.get("id") instanceof String id ? id : task.executionId();
    }

    /** Register the node and return the id of its task run; empty if there is no room for one. */
    Optional<String> register(NodeRun node, String parent) {
        State state = state(node, restartable);
        TaskRun taskRun = TaskRun.builder()
            .id(IdUtils.create())
            .tenantId(flow.tenantId())
            .namespace(flow.namespace())
            .flowId(flow.id())
            .executionId(execution)
            .parentTaskRunId(parent == null ? task.taskRunId() : parent)
            .taskId(taskId(node))
            .value(node.uniqueId())
            .state(state)
            .dynamic(true)
            .build();
        boolean failed = node.state() == NodeRun.NodeState.FAILED || node.state() == NodeRun.NodeState.KILLED;
        if (!space.take(size(taskRun), failed)) {
            return Optional.empty();
        }
        runContext.dynamicWorkerResult(new WorkerTaskResult(taskRun), logs(node));
        return Optional.of(taskRun.getId());
    }

    /** Bytes in the result of the task, a comma included. */
    private static long size(TaskRun taskRun) {
        try {
            return JacksonMapper.ofJson(false).writeValueAsBytes(taskRun).length + 1L;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<DynamicTaskRunLog> logs(NodeRun node) {
        return node.lines().stream().map(line -> new DynamicTaskRunLog(line.level(), line.message())).toList();
    }

    static String taskId(NodeRun node) {
        String label = node.label() == null || node.label().isBlank() ? node.uniqueId() : node.label();
        String id = label.replaceAll("[^A-Za-z0-9._-]", "_");
        return id.length() > LONGEST_TASK_ID ? id.substring(0, LONGEST_TASK_ID) : id;
    }

    /**
     * Kestra (1.3.31, 2.0.0) looks for a task of the name of each task run that is FAILED when it restarts an execution, finds none for
     * a node, and refuses. So a node that failed goes on from FAILED to WARNING, where a restart is wanted.
     * <p>
     * A skipped node never ran. Clocks of threads differ a little, and the Gantt draws no negative bar.
     */
    static State state(NodeRun node, boolean restartable) {
        State.Type type = State.Type.valueOf(node.state().name());
        Instant created = node.queuedAt();
        List<State.History> histories = new ArrayList<>();
        histories.add(new State.History(State.Type.CREATED, created));
        Instant latest = created;
        if (node.state() != NodeRun.NodeState.SKIPPED) {
            latest = later(latest, node.startedAt());
            histories.add(new State.History(State.Type.RUNNING, latest));
        }
        Instant end = later(latest, node.finishedAt());
        histories.add(new State.History(type, end));
        if (restartable && type == State.Type.FAILED) {
            type = State.Type.WARNING;
            histories.add(new State.History(type, end));
        }
        return State.of(type, histories);
    }

    private static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }
}
