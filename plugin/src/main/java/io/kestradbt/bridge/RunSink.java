package io.kestradbt.bridge;

import java.time.Instant;

import org.slf4j.event.Level;

/** Where a {@link Run} tells what it learns. Kestra, or a list in a test. */
public interface RunSink {
    /** A line of the task's log; {@code at} may be null: now. */
    void log(Level level, String message, Instant at);

    /** A step that people follow live. */
    void progress(String step, String message, Instant at);

    /** A figure to keep. */
    void metric(Event.Metric metric);

    /** What a node wrote and read. */
    void lineage(Event.Lineage lineage, String adapter);

    /**
     * A node to show under another one.
     *
     * @param parent what this method returned for the node it is shown under, or null: under the task itself
     * @return what to give as {@code parent} for nodes to be shown under this one; null if it is not shown itself
     */
    String register(NodeRun node, String parent);
}
