package io.kestradbt.engine;

import java.util.List;
import java.util.Map;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.Flow;

/** What is called differently in each version of Kestra. Its one implementation is in the version's own source folder. */
interface Kestra {
    /** Hands an execution to the executor. */
    void submit(Execution execution) throws Exception;

    /** Asks for a kill and returns at once. */
    void kill(Execution execution) throws Exception;

    /** The execution to submit so that it goes on from what failed. */
    Execution restarted(Execution execution, Flow flow) throws Exception;

    /** A new execution to submit, which does again what the other one did from a task run on. */
    Execution replayed(Execution execution, Flow flow, String taskRunId) throws Exception;

    Map<String, Object> outputs(TaskRun taskRun) throws Exception;

    Map<String, Object> outputs(Execution execution) throws Exception;

    /** All log entries so far, in no particular order. */
    List<LogEntry> logs(String executionId);

    /** Logs by the channel that tasks log by, behind what they have logged. */
    void log(LogEntry entry) throws Exception;
}
