package io.kestradbt.bridge;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Counts nodes as they end: the figures of a run that died before it could tell its own, and which nodes failed. */
final class Tally {
    private final Clock clock;
    private final Instant start;
    private final Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
    private final Set<String> failed = new LinkedHashSet<>();
    private long rows;
    private long invocations;

    Tally(Clock clock) {
        this.clock = clock;
        this.start = clock.instant();
    }

    void invocation() {
        invocations++;
    }

    /** Count a node. One that failed and was well in a later invocation (a retry) does not stay among the failed. */
    void node(Event.NodeFinished node) {
        outcomes.merge(node.outcome(), 1L, Long::sum);
        rows += node.rowsAffected() == null ? 0 : Math.max(0, node.rowsAffected());
        switch (node.outcome()) {
            case FAILED -> failed.add(node.uniqueId());
            case SUCCESS, WARNING -> failed.remove(node.uniqueId());
            case SKIPPED -> { }
        }
    }

    /** Nodes that never ended count as failed. */
    void unfinished(List<String> uniqueIds) {
        uniqueIds.forEach(uniqueId -> {
            outcomes.merge(Outcome.FAILED, 1L, Long::sum);
            failed.add(uniqueId);
        });
    }

    List<String> failed() {
        return new ArrayList<>(failed);
    }

    Summary summary() {
        long nodes = outcomes.values().stream().mapToLong(Long::longValue).sum();
        double seconds = Duration.between(start, clock.instant()).toMillis() / 1000.0;
        return new Summary(
            nodes, count(Outcome.SUCCESS), count(Outcome.WARNING), count(Outcome.FAILED), count(Outcome.SKIPPED), rows, invocations, seconds
        );
    }

    private long count(Outcome outcome) {
        return outcomes.getOrDefault(outcome, 0L);
    }
}
