package io.kestradbt.bridge;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import org.slf4j.event.Level;

/**
 * Hands each node that ended to the sink, under the node it belongs to.
 * <p>
 * A unit test ends before the model it tests, so a node whose parent has not been handed over waits for it, at most until its
 * invocation ends. Then the same node of an earlier invocation will do ({@code dbt run}, then {@code dbt test}), and else the task itself.
 * In an invocation of tests alone there is nothing to wait for.
 */
final class NodeTree {
    /** Of a node in its own log; those that follow go to the task's as they come, so that a flood of them takes no memory. */
    static final int LINES_AT_MOST = 1_000;

    private static final String OF_TESTS_ALONE = "test";

    private final RunSink sink;
    private final Set<Integer> withoutParents = new HashSet<>();
    private final Map<Key, Event.NodeStarted> running = new LinkedHashMap<>();
    private final Map<Key, List<NodeRun.Line>> logs = new HashMap<>();
    private final Map<Key, Waiting> waiting = new LinkedHashMap<>();
    private final Map<Key, List<Key>> children = new HashMap<>(); // of nodes not handed over yet
    private final Map<Key, String> registered = new HashMap<>();
    private final Map<String, String> latest = new HashMap<>();

    NodeTree(RunSink sink) {
        this.sink = sink;
    }

    void invocationStarted(Event.InvocationStarted invocation) {
        if (OF_TESTS_ALONE.equals(invocation.command())) {
            withoutParents.add(invocation.invocation());
        }
    }

    void started(Event.NodeStarted node) {
        running.put(Key.of(node), node);
    }

    /** Keep a line for its node; false if that node is over, and the line belongs to nobody. */
    boolean log(Event.Log line) {
        Key key = new Key(line.invocation(), line.uniqueId());
        boolean over = registered.containsKey(key) && !running.containsKey(key);
        Waiting ended = waiting.get(key);
        if (ended == null && over) {
            return false;
        }
        List<NodeRun.Line> own = ended == null ? logs.computeIfAbsent(key, k -> new ArrayList<>()) : ended.run().lines();
        if (own.size() == LINES_AT_MOST) {
            own.add(new NodeRun.Line(Level.INFO, "The log of this node goes on in that of the task."));
        }
        if (own.size() > LINES_AT_MOST) {
            sink.log(line.level().slf4j(), "%s: %s".formatted(line.uniqueId(), line.message()), line.at());
        } else {
            own.add(new NodeRun.Line(line.level().slf4j(), line.message()));
        }
        return true;
    }

    void finished(Event.NodeFinished node) {
        Key key = Key.of(node);
        running.remove(key);
        ready(key, NodeRun.of(node, takeLogs(key)), parent(node));
    }

    /** Hand over what waits for a node that this invocation did not report. */
    void invocationFinished(int invocation) {
        keysWaiting().stream().filter(key -> key.invocation() == invocation).forEach(this::registerWithParents);
    }

    /** Nodes that dbt took up and has not reported yet. */
    List<String> running() {
        return running.values().stream().map(Event.NodeStarted::uniqueId).toList();
    }

    /** The run is over: hand over everything, also what never ended. */
    void close(boolean killed, Instant now) {
        List.copyOf(running.values()).forEach(node -> {
            Key key = Key.of(node);
            running.remove(key);
            ready(key, NodeRun.unfinished(node, takeLogs(key), killed, now), parent(node));
        });
        keysWaiting().forEach(this::registerWithParents);
        logs.values().forEach(lines -> lines.forEach(line -> sink.log(line.level(), line.message(), null)));
        logs.clear();
    }

    private void ready(Key key, NodeRun run, Key parent) {
        if (parent == null || registered.containsKey(parent) || withoutParents.contains(key.invocation())) {
            register(key, run, parent);
        } else {
            waiting.put(key, new Waiting(run, parent));
            children.computeIfAbsent(parent, k -> new ArrayList<>()).add(key);
        }
    }

    /** Taken out of the waiting ones first, so that nodes that name each other as parents come to an end. */
    private void registerWithParents(Key key) {
        Waiting node = waiting.remove(key);
        if (node == null) {
            return;
        }
        registerWithParents(node.parent());
        register(key, node.run(), node.parent());
    }

    private void register(Key key, NodeRun run, Key parent) {
        String under = parent == null ? null : registered.getOrDefault(parent, latest.get(parent.uniqueId()));
        String id = sink.register(run, under);
        registered.put(key, id);
        latest.put(key.uniqueId(), id);
        Objects.requireNonNullElse(children.remove(key), List.<Key> of()).forEach(child -> registerUnder(key, child));
    }

    private void registerUnder(Key parent, Key child) {
        Waiting node = waiting.remove(child);
        if (node != null) { // or it has been taken out already, because it brought its parent along
            register(child, node.run(), parent);
        }
    }

    private List<Key> keysWaiting() {
        return List.copyOf(waiting.keySet());
    }

    private List<NodeRun.Line> takeLogs(Key key) {
        return Objects.requireNonNullElse(logs.remove(key), List.of());
    }

    private static Key parent(Event.OfNode node) {
        boolean none = node.parent() == null || node.parent().equals(node.uniqueId());
        return none ? null : new Key(node.invocation(), node.parent());
    }

    private record Key(int invocation, String uniqueId) {
        static Key of(Event.OfNode node) {
            return new Key(node.invocation(), node.uniqueId());
        }
    }

    private record Waiting(NodeRun run, Key parent) {}
}
