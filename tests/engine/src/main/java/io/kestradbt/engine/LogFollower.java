package io.kestradbt.engine;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import io.kestra.core.models.executions.LogEntry;

/**
 * Tells each log entry once, out of ever longer lists of all. The position in the list says nothing: a task may add entries
 * with times of their own in the past, as ours does for dbt's nodes.
 */
final class LogFollower {
    private final Consumer<LogEntry> onLog;
    private final Map<LogEntry, Integer> told = new HashMap<>();

    LogFollower(Consumer<LogEntry> onLog) {
        this.onLog = onLog;
    }

    void see(List<LogEntry> all) {
        Map<LogEntry, Integer> seen = new HashMap<>();
        all.stream().sorted(Comparator.comparing(LogEntry::getTimestamp)).forEach(entry -> {
            // Equal entries do happen, so they are counted.
            int count = seen.merge(entry, 1, Integer::sum);
            if (count > told.getOrDefault(entry, 0)) {
                told.put(entry, count);
                onLog.accept(entry);
            }
        });
    }
}
