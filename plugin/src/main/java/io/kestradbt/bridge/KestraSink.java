package io.kestradbt.bridge;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
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
    private final ResultSpace space;
    private final NodeTaskRuns taskRuns;
    private final NodeAssets assets;
    private final NodeRows rows;

    /**
     * @param resultLimit bytes that Kestra takes as the result of the task
     */
    KestraSink(RunContext runContext, NodeRows rows, long resultLimit) {
        this.runContext = runContext;
        this.space = new ResultSpace(resultLimit);
        this.taskRuns = new NodeTaskRuns(runContext, rows == NodeRows.RESTARTABLE, space);
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
        Optional<String> row = rows.are() ? taskRuns.register(node, parent) : Optional.empty();
        if (row.isEmpty()) {
            node.lines().forEach(line -> log(line.level(), "%s: %s".formatted(node.label(), line.message()), null));
        }
        return row.orElse(null);
    }

    /** Nothing follows: tell how many nodes have no row for want of room. */
    void close() {
        if (space.refused() > 0) {
            log(
                Level.WARN,
                "%d of the nodes have no row in the Gantt, for Kestra takes no larger result of a task; `nodes` and report.html have them all. See `resultLimit`."
                    .formatted(space.refused()),
                null
            );
        }
    }
}
