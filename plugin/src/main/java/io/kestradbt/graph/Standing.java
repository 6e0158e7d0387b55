package io.kestradbt.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.tasks.ResolvedTask;
import io.kestra.plugin.core.flow.Dag.DagTask;

/**
 * How far a graph of tasks is: what runs, what may start, and what never will. Looks at the execution alone, so it is cheap enough for the
 * executor, which asks at each event.
 *
 * @param running how many tasks have a task run that has not ended; one that waits for its retry is among them
 * @param ready   tasks that may start, in the order of the flow
 * @param failed  tasks that ended ill, and will not be retried
 * @param leftOut tasks that never start, because something above them failed
 */
record Standing(int running, List<ResolvedTask> ready, List<String> failed, List<String> leftOut) {

    /**
     * Look at the execution.
     *
     * @param children the tasks of the graph, those that are disabled too
     * @param parent   task run of the graph itself
     */
    static Standing of(Execution execution, List<ResolvedTask> children, List<DagTask> tasks, TaskRun parent) {
        Map<String, TaskRun> taskRuns = taskRuns(execution, parent);
        Set<String> endedWell = new HashSet<>();
        List<String> failed = new ArrayList<>();
        List<ResolvedTask> notStarted = new ArrayList<>();
        int running = 0;
        for (ResolvedTask child : children) {
            String id = child.getTask().getId();
            TaskRun taskRun = taskRuns.get(id);
            if (child.getTask().getDisabled()) {
                endedWell.add(id); // whoever disabled it wants the others to go on without it
            } else if (taskRun == null) {
                notStarted.add(child);
            } else if (!taskRun.getState().isTerminated() || isRetried(execution, child, parent, taskRun)) {
                running++;
            } else if (taskRun.getState().isTerminatedNoFail()) {
                endedWell.add(id);
            } else {
                failed.add(id);
            }
        }
        Map<String, List<String>> dependencies = dependencies(tasks);
        List<ResolvedTask> ready = notStarted.stream()
            .filter(child -> endedWell.containsAll(dependencies.getOrDefault(child.getTask().getId(), List.of())))
            .toList();
        return new Standing(running, ready, failed, leftOut(notStarted, failed, dependencies));
    }

    /** Whether nothing runs and nothing can start. */
    boolean isOver() {
        return running == 0 && ready.isEmpty();
    }

    private static Map<String, TaskRun> taskRuns(Execution execution, TaskRun parent) {
        Map<String, TaskRun> found = new HashMap<>();
        for (TaskRun taskRun : execution.getTaskRunList() == null ? List.<TaskRun> of() : execution.getTaskRunList()) {
            if (parent.getId().equals(taskRun.getParentTaskRunId())) {
                found.put(taskRun.getTaskId(), taskRun);
            }
        }
        return found;
    }

    private static boolean isRetried(Execution execution, ResolvedTask child, TaskRun parent, TaskRun taskRun) {
        return taskRun.getState().getCurrent() == State.Type.FAILED && !execution.hasFailedNoRetry(List.of(child), parent);
    }

    private static Map<String, List<String>> dependencies(List<DagTask> tasks) {
        Map<String, List<String>> found = new HashMap<>();
        tasks.forEach(task -> found.put(task.getTask().getId(), task.getDependsOn() == null ? List.of() : task.getDependsOn()));
        return found;
    }

    /** In the order of the flow; found by rounds, for a task may stand before those that it depends on. */
    private static List<String> leftOut(List<ResolvedTask> notStarted, List<String> failed, Map<String, List<String>> dependencies) {
        Set<String> dead = new HashSet<>(failed);
        boolean more = !failed.isEmpty();
        while (more) {
            more = false;
            for (ResolvedTask child : notStarted) {
                String id = child.getTask().getId();
                more |= dependencies.getOrDefault(id, List.of()).stream().anyMatch(dead::contains) && dead.add(id);
            }
        }
        return notStarted.stream().map(child -> child.getTask().getId()).filter(dead::contains).toList();
    }
}
