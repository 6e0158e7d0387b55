package io.kestradbt.bridge;

import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Counts nodes as the outputs of Kestra's own dbt plugin do: tests by themselves, hooks not at all, each node by its last result. */
final class NodeFigures {
    private static final int SLOWEST = 3;

    private final Map<String, Event.NodeFinished> tests = new LinkedHashMap<>();
    private final Map<String, Event.NodeFinished> others = new LinkedHashMap<>();

    /** Take in a node; one that was run before counts anew. */
    void node(Event.NodeFinished node) {
        switch (node.resourceType()) {
            case "test", "unit_test" -> tests.put(node.uniqueId(), node);
            case "operation" -> { }
            default -> others.put(node.uniqueId(), node);
        }
    }

    /** All but tests. */
    RunSummary run(double seconds) {
        return new RunSummary(
            others.size(), count(others, "success", "run", "pass", "reused"), count(others, "error", "runtime error", "fail"),
            count(others, "warn", "partial success"), count(others, "skipped", "no-op"), seconds, slowest(others.values())
        );
    }

    /** Data tests and unit tests. */
    TestSummary test() {
        return new TestSummary(
            tests.size(), count(tests, "pass", "success"), count(tests, "fail"), count(tests, "warn"), count(tests, "error", "runtime error"),
            count(tests, "skipped")
        );
    }

    private static long count(Map<String, Event.NodeFinished> nodes, String... statuses) {
        return nodes.values().stream().filter(node -> List.of(statuses).contains(node.status())).count();
    }

    private static List<RunSummary.SlowNode> slowest(Collection<Event.NodeFinished> nodes) {
        return nodes.stream()
            .filter(node -> Objects.nonNull(node.executionS()))
            .sorted(Comparator.comparing(Event.NodeFinished::executionS).reversed())
            .limit(SLOWEST)
            .map(node -> new RunSummary.SlowNode(node.uniqueId(), node.executionS()))
            .toList();
    }
}
