package io.kestradbt.bridge;

import java.time.Instant;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/**
 * What the runner reports while it works: one a line. Mirrors {@code contract/event.schema.json}, which says what each field means.
 * Fields that we do not know are ignored, and so is a kind ({@link Unknown}): a newer runner may add both within a major version.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind", visible = true, defaultImpl = Event.Unknown.class)
@JsonSubTypes({
    @JsonSubTypes.Type(name = "invocation_started", value = Event.InvocationStarted.class),
    @JsonSubTypes.Type(name = "project_loaded", value = Event.ProjectLoaded.class),
    @JsonSubTypes.Type(name = "node_started", value = Event.NodeStarted.class),
    @JsonSubTypes.Type(name = "node_finished", value = Event.NodeFinished.class),
    @JsonSubTypes.Type(name = "lineage", value = Event.Lineage.class),
    @JsonSubTypes.Type(name = "log", value = Event.Log.class),
    @JsonSubTypes.Type(name = "invocation_finished", value = Event.InvocationFinished.class),
    @JsonSubTypes.Type(name = "artifact", value = Event.Artifact.class),
    @JsonSubTypes.Type(name = "metric", value = Event.Metric.class),
    @JsonSubTypes.Type(name = "link", value = Event.Link.class),
    @JsonSubTypes.Type(name = "platform_run", value = Event.PlatformRun.class),
    @JsonSubTypes.Type(name = "promotion", value = Event.Promotion.class),
    @JsonSubTypes.Type(name = "flow_written", value = Event.FlowWritten.class),
    @JsonSubTypes.Type(name = "failure", value = Event.Failure.class),
    @JsonSubTypes.Type(name = "ended", value = Event.Ended.class)
})
public sealed interface Event {
    /** A dbt invocation began. */
    record InvocationStarted(int invocation, String command, Instant at, String dbtVersion, String logPath) implements Event {}

    /** dbt read the project and the profile. */
    record ProjectLoaded(int invocation, String project, String target, String adapter, String targetPath) implements Event {}

    /** dbt took up a node. */
    record NodeStarted(
        int invocation, String uniqueId, String label, String resourceType, String parent, Integer index, Integer total, Instant at
    ) implements Event, OfNode {}

    /** dbt is done with a node, one way or another. */
    record NodeFinished(
        int invocation, String uniqueId, String label, String resourceType, String parent, Integer index, Integer total,
        Outcome outcome, String status, String message, Long rowsAffected, Long failures,
        Instant queuedAt, Instant startedAt, Instant compiledAt, Instant finishedAt, Double executionS,
        String thread, String relation, String path
    ) implements Event, OfNode {}

    /** A node wrote its relation; several events if it reads many. */
    record Lineage(int invocation, String uniqueId, String resourceType, Relation relation, List<Relation> reads) implements Event {
        public Lineage {
            reads = reads == null ? List.of() : reads;
        }
    }

    /** A table or view of the warehouse; database and schema may be null. */
    record Relation(String database, String schemaName, String table) {}

    /** A line of dbt's log; without {@code uniqueId} it is of the invocation itself. */
    record Log(int invocation, LogLevel level, Instant at, String message, String uniqueId) implements Event {}

    /** A dbt invocation ended. */
    record InvocationFinished(int invocation, int exitCode, Instant at) implements Event {}

    /** A file to keep, in the output folder. */
    record Artifact(String name, String file, long bytes, Long rows) implements Event {}

    /** A figure to keep; a timer's value is in seconds. */
    record Metric(String type, String name, double value, Map<String, String> tags) implements Event {
        public Metric {
            tags = tags == null ? Map.of() : tags;
        }
    }

    /** An address for people. */
    record Link(String name, String url) implements Event {}

    /** A run on the dbt platform, as it is now; the last one counts. */
    record PlatformRun(long id, String status, boolean ended, Map<String, Object> details) implements Event {
        public PlatformRun {
            details = details == null ? Map.of() : details;
        }
    }

    /** The state that later runs compare with is replaced, if the run ends well; or, with an obstacle, why it stays. */
    record Promotion(String project, String target, String branch, String obstacle) implements Event {}

    /** The flow of a project was written; {@code deployed} is created, updated, unchanged, or null if it was only written. */
    record FlowWritten(String namespace, String flowId, int tasks, String deployed) implements Event {}

    /** Why the run failed; the last one counts. */
    record Failure(String code, String sentence, String detail) implements Event {}

    /** The run is over; the last event. A run without it died. */
    record Ended(Outcome outcome, int exitCode, String reason, Summary summary) implements Event {
        public Ended {
            summary = summary == null ? Summary.NONE : summary;
        }
    }

    /** An event of a newer runner. */
    record Unknown(String kind) implements Event {}

    /** What the two events of a node have in common. */
    interface OfNode {
        /** dbt invocation of the run, from 1. */
        int invocation();

        /** dbt's id of the node. */
        String uniqueId();

        /** Short name for people. */
        String label();

        /** model, test, seed, ... */
        String resourceType();

        /** {@code uniqueId} of the node it is shown under, or null. */
        String parent();

        /** Position among the nodes of the invocation, from 1, or null. */
        Integer index();

        /** Number of nodes of the invocation, or null. */
        Integer total();
    }
}
