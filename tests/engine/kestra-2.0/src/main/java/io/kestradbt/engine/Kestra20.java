package io.kestradbt.engine;

import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.ExecutionKilledExecution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.queues.BroadcastQueueInterface;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.repositories.LogDataStoreInterface;
import io.kestra.core.runners.LogEntryEmitter;
import io.kestra.core.services.ExecutionOutputService;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.TaskOutputService;
import io.kestra.core.tenant.TenantService;
import jakarta.inject.Singleton;

/** Kestra 2.0: outputs have a table of their own. */
@Singleton
final class Kestra20 implements Kestra {
    private final DispatchQueueInterface<Execution> executions;
    private final BroadcastQueueInterface<ExecutionKilled> kills;
    private final ExecutionService executionService;
    private final TaskOutputService taskOutputs;
    private final ExecutionOutputService executionOutputs;
    private final LogDataStoreInterface logs;
    private final LogEntryEmitter logEmitter;

    Kestra20(
        DispatchQueueInterface<Execution> executions,
        BroadcastQueueInterface<ExecutionKilled> kills,
        ExecutionService executionService,
        TaskOutputService taskOutputs,
        ExecutionOutputService executionOutputs,
        LogDataStoreInterface logs,
        LogEntryEmitter logEmitter) {
        this.executions = executions;
        this.kills = kills;
        this.executionService = executionService;
        this.taskOutputs = taskOutputs;
        this.executionOutputs = executionOutputs;
        this.logs = logs;
        this.logEmitter = logEmitter;
    }

    @Override
    public void submit(Execution execution) throws Exception {
        executions.emit(execution);
    }

    @Override
    public void kill(Execution execution) throws Exception {
        kills.emit(ExecutionKilledExecution.builder()
            .state(ExecutionKilled.State.REQUESTED)
            .tenantId(execution.getTenantId())
            .executionId(execution.getId())
            .isOnKillCascade(true)
            .build());
    }

    @Override
    public Execution restarted(Execution execution, Flow flow) throws Exception {
        return executionService.restart(execution, flow, null);
    }

    @Override
    public Execution replayed(Execution execution, Flow flow, String taskRunId) throws Exception {
        return executionService.replay(execution, flow, taskRunId, null, Optional.empty());
    }

    @Override
    public Map<String, Object> outputs(TaskRun taskRun) throws Exception {
        return taskOutputs.getOutputs(taskRun);
    }

    @Override
    public Map<String, Object> outputs(Execution execution) throws Exception {
        return executionOutputs.getOutputs(execution);
    }

    @Override
    public List<LogEntry> logs(String executionId) {
        return logs.findByExecutionId(TenantService.MAIN_TENANT, executionId, null);
    }

    @Override
    public void log(LogEntry entry) throws Exception {
        logEmitter.emits(entry);
    }
}
