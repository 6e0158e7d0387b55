package io.kestradbt.bridge;

import java.time.Clock;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.slf4j.event.Level;

/**
 * What the events of a run add up to. Knows nothing of Kestra: whatever is to be seen at once goes to a {@link RunSink}, the rest is kept.
 * Not thread-safe: {@link EventConsumer} lets one event in at a time.
 */
public final class Run {
    private final RunSink sink;
    private final Clock clock;
    private final NodeTree nodes;
    private final Tally tally;
    private final NodeFigures figures = new NodeFigures();
    private final Map<String, String> artifacts = new LinkedHashMap<>();
    private final Set<String> unknownKinds = new HashSet<>();
    private List<String> unfinished = List.of();
    private Long count;
    private Event.ProjectLoaded project;
    private final Map<String, String> links = new LinkedHashMap<>();
    private Event.PlatformRun platformRun;
    private Event.Promotion promotion;
    private Event.FlowWritten flow;
    private boolean heard;
    private Event.Failure failure;
    private volatile Event.Ended ended; // looked at while a stop is awaited

    public Run(RunSink sink, Clock clock) {
        this.sink = sink;
        this.clock = clock;
        this.nodes = new NodeTree(sink);
        this.tally = new Tally(clock);
    }

    /** Take in the next event. */
    public void accept(Event event) {
        heard = true;
        switch (event) {
            case Event.InvocationStarted started -> {
                tally.invocation();
                nodes.invocationStarted(started);
                sink.log(Level.DEBUG, "dbt %s, dbt-core %s".formatted(started.command(), started.dbtVersion()), started.at());
            }
            case Event.ProjectLoaded loaded -> {
                project = loaded;
                sink.log(Level.DEBUG, "Project %s, target %s, adapter %s".formatted(loaded.project(), loaded.target(), loaded.adapter()), null);
            }
            case Event.NodeStarted node -> nodeStarted(node);
            case Event.NodeFinished node -> nodeFinished(node);
            case Event.Lineage lineage -> sink.lineage(lineage, project == null ? null : project.adapter());
            case Event.Log line -> log(line);
            case Event.InvocationFinished finished -> nodes.invocationFinished(finished.invocation());
            case Event.Artifact artifact -> {
                artifacts.put(artifact.name(), artifact.file());
                count = artifact.rows() == null ? count : artifact.rows();
            }
            case Event.Metric metric -> sink.metric(metric);
            case Event.Link link -> links.put(link.name(), link.url());
            case Event.PlatformRun run -> platformRun = run;
            case Event.Promotion told -> promotion = told;
            case Event.FlowWritten written -> flow = written;
            case Event.Failure reason -> failure = reason;
            case Event.Ended end -> ended = end;
            case Event.Unknown unknown -> skip(unknown);
        }
    }

    /** No event follows: hand over the nodes that still wait, and those that never ended. */
    public void close(boolean killed) {
        unfinished = nodes.running();
        tally.unfinished(unfinished);
        nodes.close(killed, clock.instant());
    }

    /** Whether any event arrived. */
    public boolean heard() {
        return heard;
    }

    /** How the run ended, in its own words; empty if it died. */
    public Optional<Event.Ended> ended() {
        return Optional.ofNullable(ended);
    }

    /** Why it failed, in its own words. */
    public Optional<Event.Failure> failure() {
        return Optional.ofNullable(failure);
    }

    /** Files to keep, each by the name that users look it up by. */
    public Map<String, String> artifacts() {
        return artifacts;
    }

    /** Rows of the table that was asked for; empty if none was. */
    public Optional<Long> count() {
        return Optional.ofNullable(count);
    }

    /** The project as dbt read it last; empty if it did not come to that. */
    public Optional<Event.ProjectLoaded> project() {
        return Optional.ofNullable(project);
    }

    /** Addresses for people, by what they lead to. */
    public Map<String, String> links() {
        return links;
    }

    /** The run on the dbt platform as it was told last; empty if there is none. */
    public Optional<Event.PlatformRun> platformRun() {
        return Optional.ofNullable(platformRun);
    }

    /** What becomes of the state that later runs compare with; empty if that is not for the run to say. */
    public Optional<Event.Promotion> promotion() {
        return Optional.ofNullable(promotion);
    }

    /** The flow that was written; empty if none was. */
    public Optional<Event.FlowWritten> flow() {
        return Optional.ofNullable(flow);
    }

    /** Nodes that failed, by dbt's ids, with those that never ended. */
    public List<String> failed() {
        return tally.failed();
    }

    /** Nodes that ran when the run ended. */
    public List<String> unfinished() {
        return unfinished;
    }

    /** The run in figures: its own, or as far as they are known. */
    public Summary summary() {
        return ended != null ? ended.summary() : tally.summary();
    }

    /** All nodes but tests, in the figures of Kestra's own plugin. */
    public RunSummary runSummary() {
        return figures.run(summary().seconds());
    }

    /** All tests, in the figures of Kestra's own plugin. */
    public TestSummary testSummary() {
        return figures.test();
    }

    private void nodeStarted(Event.NodeStarted node) {
        nodes.started(node);
        sink.progress("node.started", Progress.of(node), node.at());
    }

    private void nodeFinished(Event.NodeFinished node) {
        tally.node(node);
        figures.node(node);
        nodes.finished(node);
        sink.progress("node.finished", Progress.of(node), node.finishedAt());
    }

    private void log(Event.Log line) {
        if (line.uniqueId() == null || !nodes.log(line)) {
            sink.log(line.level().slf4j(), line.message(), line.at());
        }
    }

    private void skip(Event.Unknown event) {
        if (unknownKinds.add(String.valueOf(event.kind()))) {
            sink.log(Level.DEBUG, "The runner is newer than this plugin: events of kind %s are skipped.".formatted(event.kind()), (Instant) null);
        }
    }
}
