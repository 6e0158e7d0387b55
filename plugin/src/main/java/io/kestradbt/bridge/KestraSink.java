package io.kestradbt.bridge;

import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;

import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

import io.kestra.core.models.executions.metrics.Counter;
import io.kestra.core.models.executions.metrics.Timer;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextLogger;

/** Tells Kestra: the task's log, its metrics and the task runs of the nodes. */
final class KestraSink implements RunSink {
    private final RunContext runContext;
    private final NodeTaskRuns taskRuns;
    private final NodeAssets assets;
    private final NodeRows rows;

    KestraSink(RunContext runContext, NodeRows rows) {
        this.runContext = runContext;
        this.taskRuns = new NodeTaskRuns(runContext, rows == NodeRows.RESTARTABLE);
        this.rows = rows;
        this.assets = new NodeAssets(runContext::assets, runContext.logger());
    }

    @Override
    public void log(Level level, String message, Instant at) {
        LoggingEventBuilder line = runContext.logger().atLevel(level);
        if (at != null) {
            // Progress lines carry dbt's times too; by the times of arrival the two would be shown out of order.
            line = line.addKeyValue(RunContextLogger.ORIGINAL_TIMESTAMP_KEY, at);
        }
        line.log(message);
    }

    @Override
    public void progress(String step, String message, Instant at) {
        if (rows != NodeRows.NONE) {
            runContext.emitProgress(step, message, at);
        }
    }

    @Override
    public void metric(Event.Metric metric) {
        String[] tags = metric.tags().entrySet().stream()
            .flatMap(tag -> Stream.of(tag.getKey(), tag.getValue()))
            .toArray(String[]::new);
        if ("timer".equals(metric.type())) {
            runContext.metric(Timer.of(metric.name(), Duration.ofNanos(Math.round(metric.value() * 1e9)), tags));
        } else {
            runContext.metric(Counter.of(metric.name(), metric.value(), tags));
        }
    }

    @Override
    public void lineage(Event.Lineage lineage, String adapter) {
        assets.emit(lineage, adapter);
    }

    @Override
    public String register(NodeRun node, String parent) {
        if (rows.are()) {
            return taskRuns.register(node, parent);
        }
        node.lines().forEach(line -> log(line.level(), "%s: %s".formatted(node.label(), line.message()), null));
        return node.uniqueId();
    }
}
