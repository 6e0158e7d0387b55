package io.kestradbt.bridge;

import java.time.Duration;
import java.util.Locale;
import java.util.stream.Collectors;

/** The words in which a node's progress is told. */
final class Progress {
    private Progress() {
    }

    /** {@code START 3 of 12 model stg_orders}. */
    static String of(Event.NodeStarted node) {
        return "START " + name(node);
    }

    /** {@code OK 3 of 12 model stg_orders in 0.98 s, 42 rows}, or {@code FAIL ...: } and the first of what dbt said. */
    static String of(Event.NodeFinished node) {
        StringBuilder words = new StringBuilder(word(node.outcome())).append(' ').append(name(node));
        if (node.outcome() != Outcome.SKIPPED) {
            words.append(String.format(Locale.ROOT, " in %.2f s", seconds(node)));
        }
        if (node.rowsAffected() != null && node.rowsAffected() >= 0) {
            words.append(String.format(Locale.ROOT, ", %,d %s", node.rowsAffected(), node.rowsAffected() == 1 ? "row" : "rows"));
        }
        if (tellsWhy(node.outcome()) && node.message() != null && !node.message().isBlank()) {
            words.append(": ").append(beginning(node.message()));
        }
        return words.toString();
    }

    /** dbt's first line names the node, its second one says what was wrong. */
    private static String beginning(String message) {
        return message.strip().lines().map(String::strip).limit(2).collect(Collectors.joining(": "));
    }

    private static boolean tellsWhy(Outcome outcome) {
        return outcome == Outcome.FAILED || outcome == Outcome.WARNING;
    }

    private static String name(Event.OfNode node) {
        String position = node.index() == null || node.total() == null ? "" : node.index() + " of " + node.total() + " ";
        return position + node.resourceType() + " " + node.label();
    }

    private static double seconds(Event.NodeFinished node) {
        return node.executionS() != null ? node.executionS() : Duration.between(node.startedAt(), node.finishedAt()).toMillis() / 1000.0;
    }

    private static String word(Outcome outcome) {
        return switch (outcome) {
            case SUCCESS -> "OK";
            case WARNING -> "WARN";
            case FAILED -> "FAIL";
            case SKIPPED -> "SKIP";
        };
    }
}
