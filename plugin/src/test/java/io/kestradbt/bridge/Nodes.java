package io.kestradbt.bridge;

import java.time.Instant;

/** Events of nodes, with only what a test cares about. */
final class Nodes {
    static final Instant START = Instant.parse("2026-01-15T10:00:00Z");

    private Nodes() {
    }

    static Event.InvocationStarted invocationStarted(int invocation, String command) {
        return new Event.InvocationStarted(invocation, command, START, "1.11.0", null);
    }

    static Event.NodeStarted started(int invocation, String uniqueId, String parent) {
        return new Event.NodeStarted(invocation, uniqueId, label(uniqueId), type(uniqueId), parent, 3, 12, START);
    }

    static Event.NodeFinished finished(int invocation, String uniqueId, String parent) {
        return finished(invocation, uniqueId, parent, Outcome.SUCCESS, "OK");
    }

    static Event.NodeFinished finished(int invocation, String uniqueId, String parent, Outcome outcome, String message) {
        return new Event.NodeFinished(
            invocation, uniqueId, label(uniqueId), type(uniqueId), parent, 3, 12, outcome, outcome.name().toLowerCase(), message, null, null,
            START, START.plusSeconds(1), null, START.plusSeconds(3), null, null, null, null
        );
    }

    static Event.Log log(int invocation, String uniqueId, LogLevel level, String message) {
        return new Event.Log(invocation, level, START, message, uniqueId);
    }

    static Event.InvocationFinished invocationFinished(int invocation) {
        return new Event.InvocationFinished(invocation, 0, START);
    }

    private static String label(String uniqueId) {
        return uniqueId.substring(uniqueId.indexOf('.') + 1);
    }

    private static String type(String uniqueId) {
        return uniqueId.substring(0, uniqueId.indexOf('.'));
    }
}
