package io.kestradbt.platform;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.annotation.JsonIgnore;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.tasks.Output;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.RunResult;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.AccessLevel;
import lombok.Builder;
import lombok.Getter;

/** What a task of the dbt platform leaves behind, also one that failed. */
@Builder
@Getter
public class PlatformOutput implements Output {
    private static final String NODES = "nodes.ion";
    private static final List<String> TABLES = List.of("jobs.ion", "runs.ion");

    /** Keys of {@code run} in Kestra's own plugin, by ours. */
    private static final Map<String, String> FORMER_KEYS = Map.of(
        "message", "statusMessage", "job_id", "jobId", "job", "jobName", "environment", "environmentName", "git_branch", "gitBranch",
        "dbt_version", "dbtVersion", "queued_duration", "queuedDuration", "run_duration", "runDuration", "started_at", "startedAt", "finished_at", "finishedAt"
    );

    @Schema(title = "Id of the run", description = "A number. Absent if there is no run, as when it could not be started or things are listed.")
    private final Long runId;

    @Schema(
        title = "The run",
        description = """
            How it was when it was last seen: `id`, `status` (`queued`, `starting`, `running`, `success`, `error`, `cancelled`), `url`, `job_id`, `job`, `project_id`,
            `environment`, `git_branch`, `git_sha`, `dbt_version`, `started_at`, `finished_at`, `duration` and more, as far as the platform tells."""
    )
    private final Map<String, Object> run;

    @Schema(
        title = "Artifacts",
        description = """
            URIs in the internal storage by name, as `artifacts['manifest.json']`, byte by byte as the platform has them: the last dbt step's under plain
            names, each one's under `2-test/run_results.json` and the like."""
    )
    @PluginProperty(additionalProperties = URI.class)
    private final Map<String, URI> artifacts;

    @Schema(title = "Table of the nodes", description = "URI of an ION file with one row a node: its status, times, rows and message. Absent if no step of dbt ran.")
    private final URI nodes;

    @Schema(title = "Table of what was listed", description = "URI of an ION file with one row a job or a run. Only of `ListJobs` and `ListRuns`.")
    private final URI rows;

    @Schema(title = "Number of rows", description = "Of `rows`. Absent if nothing was to be listed.")
    private final Long count;

    @Schema(
        title = "The run in figures",
        description = """
            Numbers by name: `nodes`, and of these `success`, `warning`, `failed` and `skipped`; `rows_affected` as far as the adapter
            tells; `invocations` of dbt; `seconds` in all. Absent if there is no run."""
    )
    private final Map<String, Object> summary;

    @Schema(title = "Nodes that failed", description = "Their ids, as `model.shop.orders`. Empty if none did.")
    private final List<String> failed;

    @Schema(title = "Pages of the dbt platform", description = "Addresses by what they lead to: `run`, `job`, `docs`, and `step 4` and the like for each step.")
    private final Map<String, String> links;

    @Schema(title = "Other files", description = "URIs in the internal storage: what `outputFiles` names, each by its path.")
    @PluginProperty(additionalProperties = URI.class)
    private final Map<String, URI> outputFiles;

    @Schema(title = "The results, in an older spelling", description = "`artifacts['run_results.json']`; only under a type name of Kestra's own dbt plugin.")
    private final URI runResults;

    @Schema(title = "The manifest, in an older spelling", description = "`artifacts['manifest.json']`; only under a type name of Kestra's own dbt plugin.")
    private final URI manifest;

    @Schema(title = "Page of the run, in an older spelling", description = "`links.run`; only under a type name of Kestra's own dbt plugin.")
    private final String runUrl;

    @JsonIgnore
    @Getter(AccessLevel.NONE)
    private final boolean warning;

    @JsonIgnore
    @Getter(AccessLevel.NONE)
    private final boolean stopped;

    static PlatformOutput of(RunResult result) {
        return complete(result).build();
    }

    /** What there is, under the names of Kestra's own plugin too. */
    static PlatformOutput former(RunResult result) {
        return complete(result)
            .run(result.platformRun().map(run -> formerRun(details(run))).orElse(null))
            .runResults(result.artifacts().get("run_results.json"))
            .manifest(result.artifacts().get("manifest.json"))
            .runUrl(result.links().get("run"))
            .build();
    }

    private static PlatformOutputBuilder complete(RunResult result) {
        return PlatformOutput.builder()
            .runId(result.platformRun().map(Event.PlatformRun::id).orElse(null))
            .run(result.platformRun().map(PlatformOutput::details).orElse(null))
            .artifacts(result.artifacts())
            .nodes(result.artifacts().get(NODES))
            .rows(TABLES.stream().map(result.artifacts()::get).filter(uri -> uri != null).findFirst().orElse(null))
            .count(result.count().orElse(null))
            .summary(result.platformRun().map(run -> result.summary().toMap()).orElse(null))
            .failed(result.failed())
            .links(result.links())
            .outputFiles(result.outputFiles())
            .warning(result.warning())
            .stopped(result.stopped());
    }

    private static Map<String, Object> details(Event.PlatformRun run) {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("id", run.id());
        details.put("status", run.status());
        details.putAll(run.details());
        return details;
    }

    /** Ours, with the keys of Kestra's own plugin besides, and the status as it writes it. */
    private static Map<String, Object> formerRun(Map<String, Object> details) {
        Map<String, Object> run = new LinkedHashMap<>(details);
        FORMER_KEYS.forEach((ours, theirs) -> {
            if (details.containsKey(ours)) {
                run.put(theirs, details.get(ours));
            }
        });
        run.computeIfPresent("status", (key, status) -> capitalised(status.toString()));
        return run;
    }

    private static String capitalised(String word) {
        return word.isEmpty() ? word : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
    }

    @Override
    public Optional<State.Type> finalState() {
        if (stopped) {
            return Optional.of(State.Type.FAILED);
        }
        return warning ? Optional.of(State.Type.WARNING) : Optional.empty();
    }
}
