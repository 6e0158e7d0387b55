package io.kestradbt.engine;

import java.util.List;
import java.util.Map;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.ExecutionKilledExecution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.queues.QueueFactoryInterface;
import io.kestra.core.queues.QueueInterface;
import io.kestra.core.repositories.LogRepositoryInterface;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.tenant.TenantService;
import jakarta.inject.Named;
import jakarta.inject.Singleton;

/** Kestra 1.3: outputs are part of the task run. */
@Singleton
final class Kestra13 implements Kestra {
    private final QueueInterface<Execution> executions;
    private final QueueInterface<ExecutionKilled> kills;
    private final ExecutionService executionService;
    private final LogRepositoryInterface logs;
    private final QueueInterface<LogEntry> logQueue;

    Kestra13(
        @Named(QueueFactoryInterface.EXECUTION_NAMED) QueueInterface<Execution> executions,
        @Named(QueueFactoryInterface.KILL_NAMED) QueueInterface<ExecutionKilled> kills,
        ExecutionService executionService,
        LogRepositoryInterface logs,
        @Named(QueueFactoryInterface.WORKERTASKLOG_NAMED) QueueInterface<LogEntry> logQueue) {
        this.executions = executions;
        this.kills = kills;
        this.executionService = executionService;
        this.logs = logs;
        this.logQueue = logQueue;
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
        return executionService.restart(execution, null);
    }

    @Override
    public Execution replayed(Execution execution, Flow flow, String taskRunId) throws Exception {
        return executionService.replay(execution, flow, taskRunId, null);
    }

    @Override
    public Map<String, Object> outputs(TaskRun taskRun) {
        return taskRun.getOutputs();
    }

    @Override
    public Map<String, Object> outputs(Execution execution) {
        return execution.getOutputs();
    }

    @Override
    public List<LogEntry> logs(String executionId) {
        return logs.findByExecutionId(TenantService.MAIN_TENANT, executionId, null);
    }

    @Override
    public void log(LogEntry entry) throws Exception {
        logQueue.emitAsync(List.of(entry));
    }
}
