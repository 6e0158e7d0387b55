package io.kestradbt.bridge;

import java.util.List;

/**
 * Models, seeds, snapshots and the like of a run, counted by dbt's statuses. Named and shaped as an output of Kestra's own dbt plugin.
 *
 * @param elapsedTime seconds in all
 * @param slowest     at most three, the slowest first
 */
public record RunSummary(long total, long success, long error, long warn, long skipped, double elapsedTime, List<SlowNode> slowest) {
    /**
     * A node that took its time.
     *
     * @param executionTime in seconds
     */
    public record SlowNode(String uniqueId, double executionTime) {}
}
