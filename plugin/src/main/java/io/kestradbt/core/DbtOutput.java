package io.kestradbt.core;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.tasks.Output;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.RunSummary;
import io.kestradbt.bridge.TestSummary;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.AccessLevel;
import lombok.Builder;
import lombok.Getter;

/** What every run of dbt leaves behind, also a failed one. */
@Builder(toBuilder = true)
@Getter
public class DbtOutput implements Output {
    private static final String NODES = "nodes.ion";
    private static final String ROWS = "rows.ion";
    static final String MANIFEST = "manifest.json";
    private static final String FLOW = "flow.yaml";
    private static final String UNCHANGED = "unchanged";
    private static final String RUN_RESULTS = "run_results.json";

    @Schema(
        title = "Exit code",
        description = "Of the dbt command or the script: for dbt, 0 is success, 1 a failed node and 2 a fault of dbt itself. -1 if it was stopped before it had one."
    )
    private final int exitCode;

    @Schema(
        title = "dbt's artifacts",
        description = "URIs in the internal storage by name, as `artifacts['manifest.json']` or `artifacts['run_results.json']`."
    )
    @PluginProperty(additionalProperties = URI.class)
    private final Map<String, URI> artifacts;

    @Schema(
        title = "Table of the nodes",
        description = "URI of an ION file with one row a node: its status, times, rows and message; of `List`, what is listed. Absent if the run died."
    )
    private final URI nodes;

    @Schema(title = "Rows that were shown", description = "URI of an ION file with one row each. Only of `Show`.")
    private final URI rows;

    @Schema(title = "Number of rows", description = "Of `List`: nodes in `nodes`; of `Show`: rows in `rows`. Absent otherwise.")
    private final Long count;

    @Schema(
        title = "The run in figures",
        description = """
            Numbers by name: `nodes`, and of these `success`, `warning`, `failed` and `skipped`; `rows_affected` as far as the adapter
            tells; `invocations` of dbt; `seconds` in all."""
    )
    private final Map<String, Object> summary;

    @Schema(title = "Nodes that failed", description = "Their ids, as `model.shop.orders`. Empty if none did. With a run that died, also what ran at that time.")
    private final List<String> failed;

    @Schema(title = "Packed project", description = "URI of the file that `Prepare` has made and that this task was about. Only of the tasks of a graph.")
    private final String pack;

    @Schema(title = "Flow of the project", description = "URI of the YAML file. Only of `Flow`.")
    private final URI flow;

    @Schema(title = "Tasks of the graph", description = "In the flow of the project. Only of `Flow`.")
    private final Integer tasks;

    @Schema(
        title = "Whether the Kestra server has another flow now",
        description = "True if it was created or replaced, false if it was there already. Only of `Flow`, with `deployTo`."
    )
    private final Boolean changed;

    @Schema(title = "Other files", description = "URIs in the internal storage: what `outputFiles` names and what commands wrote to the output directory, each by its path.")
    @PluginProperty(additionalProperties = URI.class)
    private final Map<String, URI> outputFiles;

    @Schema(
        title = "Models, seeds and snapshots in figures",
        description = """
            As in Kestra's own dbt plugin, and only under a type name of it: `total`, of these `success`, `error`, `warn` and `skipped`;
            `elapsedTime` in seconds; `slowest`, at most three with `uniqueId` and `executionTime`."""
    )
    private final RunSummary runSummary;

    @Schema(
        title = "Tests in figures",
        description = "As in Kestra's own dbt plugin, and only under a type name of it: `total`, of these `pass`, `fail`, `warn`, `error` and `skipped`."
    )
    private final TestSummary testSummary;

    @Schema(title = "Values given by commands", description = "What a command printed as `::{\"outputs\": {...}}::`, by name.")
    @JsonInclude(JsonInclude.Include.ALWAYS)
    private final Map<String, Object> vars;

    @JsonIgnore
    @Getter(AccessLevel.NONE)
    private final boolean warning;

    @JsonIgnore
    @Getter(AccessLevel.NONE)
    private final boolean stopped;

    /** What there is. */
    public static DbtOutput of(RunResult result) {
        return complete(result).build();
    }

    /** The same, of a task about a packed project. */
    public DbtOutput withPack(String pack) {
        return toBuilder().pack(pack).build();
    }

    /** The same, of a task that writes a flow. */
    public DbtOutput withFlow(RunResult result) {
        return toBuilder()
            .flow(result.artifacts().get(FLOW))
            .tasks(result.flow().map(Event.FlowWritten::tasks).orElse(null))
            .changed(result.flow().map(Event.FlowWritten::deployed).map(deployed -> !UNCHANGED.equals(deployed)).orElse(null))
            .build();
    }

    /**
     * What there is, under the names of Kestra's own plugin too.
     *
     * @param parsed whether the results are wanted
     */
    static DbtOutput former(RunResult result, boolean parsed) {
        Map<String, URI> outputFiles = new LinkedHashMap<>(result.outputFiles());
        for (String name : parsed ? List.of(MANIFEST, RUN_RESULTS) : List.of(MANIFEST)) {
            URI artifact = result.artifacts().get(name);
            if (artifact != null) {
                outputFiles.put(name, artifact);
            }
        }
        return complete(result)
            .outputFiles(outputFiles)
            .runSummary(parsed ? result.runSummary() : null)
            .testSummary(parsed ? result.testSummary() : null)
            .build();
    }

    private static DbtOutputBuilder complete(RunResult result) {
        return DbtOutput.builder()
            .exitCode(result.exitCode())
            .artifacts(result.artifacts())
            .nodes(result.artifacts().get(NODES))
            .rows(result.artifacts().get(ROWS))
            .count(result.count().orElse(null))
            .summary(result.summary().toMap())
            .failed(result.failed())
            .outputFiles(result.outputFiles())
            .vars(result.vars())
            .warning(result.warning())
            .stopped(result.stopped());
    }

    @Override
    public Optional<State.Type> finalState() {
        if (stopped) {
            return Optional.of(State.Type.FAILED);
        }
        return warning ? Optional.of(State.Type.WARNING) : Optional.empty();
    }
}
