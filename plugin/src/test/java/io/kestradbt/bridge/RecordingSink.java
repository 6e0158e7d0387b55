package io.kestradbt.bridge;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import org.slf4j.event.Level;

/** Keeps whatever a run tells. The id of a registered node is its place in the order, with its name. */
final class RecordingSink implements RunSink {
    final List<String> log = new ArrayList<>();
    final List<String> progress = new ArrayList<>();
    final List<Event.Metric> metrics = new ArrayList<>();
    final List<String> lineage = new ArrayList<>();
    final List<NodeRun> nodes = new ArrayList<>();
    /** {@code 2:test.a under 1:model.a}, in the order of registration. */
    final List<String> tree = new ArrayList<>();

    @Override
    public void log(Level level, String message, Instant at) {
        log.add(level + " " + message);
    }

    @Override
    public void progress(String step, String message, Instant at) {
        progress.add(step + " " + message);
    }

    @Override
    public void metric(Event.Metric metric) {
        metrics.add(metric);
    }

    @Override
    public void lineage(Event.Lineage lineage, String adapter) {
        this.lineage.add(adapter + " " + NodeAssets.id(lineage.relation()) + " from " + lineage.reads().stream().map(NodeAssets::id).toList());
    }

    @Override
    public String register(NodeRun node, String parent) {
        nodes.add(node);
        String id = nodes.size() + ":" + node.uniqueId();
        tree.add(parent == null ? id : id + " under " + parent);
        return id;
    }
}
