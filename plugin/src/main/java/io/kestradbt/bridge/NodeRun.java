package io.kestradbt.bridge;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import org.slf4j.event.Level;

/**
 * A node that is over, as it is to be shown.
 *
 * @param uniqueId   dbt's id
 * @param label      short name for people
 * @param state      how it ended
 * @param queuedAt   when all it depends on was done
 * @param startedAt  when a thread took it up
 * @param finishedAt when it ended
 * @param lines      its own log
 */
public record NodeRun(
    String uniqueId, String label, NodeState state, Instant queuedAt, Instant startedAt, Instant finishedAt, List<Line> lines
) {
    /** How a node ended. */
    public enum NodeState {
        SUCCESS, WARNING, FAILED, SKIPPED, KILLED
    }

    /** A line of a node's own log. */
    public record Line(Level level, String message) {}

    /** What dbt reported; the message of a failure is an error line, unless the log already has it. */
    static NodeRun of(Event.NodeFinished node, List<Line> log) {
        List<Line> lines = new ArrayList<>(log);
        if (node.outcome() == Outcome.FAILED && node.message() != null && !hasError(log, node.message())) {
            lines.add(new Line(Level.ERROR, node.message()));
        }
        return new NodeRun(
            node.uniqueId(), node.label(), NodeState.valueOf(node.outcome().name()),
            node.queuedAt(), node.startedAt(), node.finishedAt(), lines
        );
    }

    /** A node that dbt took up and never reported again. */
    static NodeRun unfinished(Event.NodeStarted node, List<Line> log, boolean killed, Instant now) {
        List<Line> lines = new ArrayList<>(log);
        lines.add(new Line(Level.ERROR, killed ? "The run was killed while this node ran." : "The run ended while this node ran."));
        return new NodeRun(node.uniqueId(), node.label(), killed ? NodeState.KILLED : NodeState.FAILED, node.at(), node.at(), now, lines);
    }

    private static boolean hasError(List<Line> log, String message) {
        return log.stream().anyMatch(line -> line.level() == Level.ERROR && line.message().contains(message));
    }
}
