package io.kestradbt.bridge;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Counts nodes as the outputs of Kestra's own dbt plugin do: tests by themselves, hooks not at all, each node by its last result.
 * Of a node it keeps no more than that takes, for there may be ten thousand.
 */
final class NodeFigures {
    private static final int SLOWEST = 3;

    private final Map<String, Result> tests = new LinkedHashMap<>();
    private final Map<String, Result> others = new LinkedHashMap<>();

    /** Take in a node; one that was run before counts anew. */
    void node(Event.NodeFinished node) {
        switch (node.resourceType()) {
            case "test", "unit_test" -> tests.put(node.uniqueId(), Result.of(node));
            case "operation" -> { }
            default -> others.put(node.uniqueId(), Result.of(node));
        }
    }

    /** All but tests. */
    RunSummary run(double seconds) {
        return new RunSummary(
            others.size(), count(others, "success", "run", "pass", "reused"), count(others, "error", "runtime error", "fail"),
            count(others, "warn", "partial success"), count(others, "skipped", "no-op"), seconds, slowest()
        );
    }

    /** Data tests and unit tests. */
    TestSummary test() {
        return new TestSummary(
            tests.size(), count(tests, "pass", "success"), count(tests, "fail"), count(tests, "warn"), count(tests, "error", "runtime error"),
            count(tests, "skipped")
        );
    }

    private static long count(Map<String, Result> nodes, String... statuses) {
        return nodes.values().stream().filter(node -> List.of(statuses).contains(node.status())).count();
    }

    private List<RunSummary.SlowNode> slowest() {
        return others.entrySet().stream()
            .filter(node -> node.getValue().seconds() != null)
            .sorted(Comparator.comparing((Map.Entry<String, Result> node) -> node.getValue().seconds()).reversed())
            .limit(SLOWEST)
            .map(node -> new RunSummary.SlowNode(node.getKey(), node.getValue().seconds()))
            .toList();
    }

    /**
     * @param status  dbt's word, of which there are a few
     * @param seconds dbt's execution time, or null
     */
    private record Result(String status, Double seconds) {
        static Result of(Event.NodeFinished node) {
            return new Result(node.status().intern(), node.executionS());
        }
    }
}
