package io.kestradbt.platform;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.core.type.TypeReference;

import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.conditions.ConditionContext;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.core.models.triggers.AbstractTrigger;
import io.kestra.core.models.triggers.PollingTriggerInterface;
import io.kestra.core.models.triggers.TriggerContext;
import io.kestra.core.models.triggers.TriggerOutput;
import io.kestra.core.models.triggers.TriggerService;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.FileSerde;
import io.kestradbt.state.SeenRuns;
import io.kestradbt.state.TriggerMemory;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Starts an execution when runs have finished, whoever started them. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Start a flow when runs of the dbt platform have finished",
    description = """
        Looks for finished runs at every `interval`, whoever started them. One execution has all that have finished since the look before, the earliest first;
        a loop over `trigger.runs` does something for each. No run is missed while Kestra is down, and none is told of twice: the namespace's KV
        store keeps which ones were. Runs that had finished before the first look do not count."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Say which runs of a job have failed.",
            code = """
                id: dbt_platform_failures
                namespace: company.team

                tasks:
                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ trigger.count }} runs failed, the last one is {{ trigger.runId }}: {{ trigger.url }}"

                triggers:
                  - id: failed
                    type: io.kestradbt.platform.JobRunFinished
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobId: "67890"
                    statuses:
                      - ERROR
                    interval: PT1M
                    disabled: true
                """
        )
    }
)
public class JobRunFinished extends AbstractTrigger
    implements PollingTriggerInterface, TriggerOutput<JobRunFinished.Output>, PlatformConnection, JobOptions {

    private static final List<RunStatus> ENDED = List.of(RunStatus.SUCCESS, RunStatus.ERROR, RunStatus.CANCELLED);
    private static final int FEW = 100;
    private static final int MANY = 10_000;

    private Property<String> host;

    private Property<String> accountId;

    @ToString.Exclude
    private Property<String> token;

    private Property<String> jobId;

    private Property<String> jobName;

    private Property<String> project;

    private Property<String> environment;

    @Schema(title = "Statuses", description = "Only runs that ended in one of these. Unset: `SUCCESS`, `ERROR` and `CANCELLED`.")
    @PluginProperty(group = "main")
    private Property<List<RunStatus>> statuses;

    @Schema(title = "Time between two looks", description = "Counted from the end of one to the beginning of the next.")
    @PluginProperty(group = "execution")
    @Builder.Default
    private final Duration interval = Duration.ofMinutes(1);

    @Schema(title = "Runs at most in an execution", description = "What is more comes with the next look, in an execution of its own. Unset: 100.")
    @PluginProperty(group = "execution")
    private Property<Integer> maxRuns;

    @Schema(title = "Where the look is taken from", description = "A task runner with its own properties. Unset: a process on the worker, with the worker's Python.")
    @PluginProperty(group = "execution")
    @Valid
    private TaskRunner<?> taskRunner;

    @Schema(title = "Container image", description = "Only for a task runner that starts containers. It must have Python 3.10 or newer. Unset: `python:3.13-slim`.")
    @PluginProperty(group = "execution")
    private Property<String> containerImage;

    @Schema(title = "Python interpreter", description = "Name or path of a Python 3.10 or newer. Unset: `python3`.")
    @PluginProperty(group = "execution")
    private Property<String> pythonPath;

    @Schema(title = "Environment variables", description = "Of the process, as `HTTPS_PROXY`. Unset: none besides those of the task runner.")
    @PluginProperty(group = "execution")
    private Property<Map<String, String>> env;

    @Override
    public Optional<Execution> evaluate(ConditionContext conditionContext, TriggerContext context) throws Exception {
        RunContext runContext = conditionContext.getRunContext();
        TriggerMemory memory = memory(runContext);
        Optional<SeenRuns> seen = memory.read(SeenRuns.class);
        Optional<List<FinishedRun>> found = look(runContext, seen.flatMap(SeenRuns::lookFrom));
        if (found.isEmpty()) {
            return Optional.empty(); // it was told to stop in the middle
        }
        String description = "Runs of the dbt platform that the trigger %s has told of".formatted(getId());
        if (seen.isEmpty()) {
            memory.write(description, SeenRuns.atFirst(found.get()));
            return Optional.empty();
        }
        int most = new Rendering(runContext).integer("maxRuns", maxRuns, 1).orElse(FEW);
        List<FinishedRun> fresh = seen.get().fresh(found.get()).stream().limit(most).toList();
        if (fresh.isEmpty()) {
            return Optional.empty();
        }
        Execution execution = TriggerService.generateExecution(this, conditionContext, context, Output.of(fresh));
        memory.write(description, seen.get().with(fresh)); // as late as possible: what is not written is told of again
        return Optional.of(execution);
    }

    /** What it remembers. */
    protected TriggerMemory memory(RunContext runContext) {
        return TriggerMemory.of(runContext, "dbt-runs", getId());
    }

    /** The finished runs there are; empty if the look came to no end. */
    private Optional<List<FinishedRun>> look(RunContext runContext, Optional<Instant> from) throws Exception {
        boolean any = new Rendering(runContext).constants("statuses", statuses, RunStatus.class).isEmpty();
        ListRuns list = ListRuns.builder().id(getId()).type(ListRuns.class.getName())
            .host(host).accountId(accountId).token(token).jobId(jobId).jobName(jobName).project(project).environment(environment)
            .statuses(any ? Property.ofValue(ENDED) : statuses)
            .finishedAfter(from.map(time -> Property.ofValue(time.toString())).orElse(null))
            .limit(Property.ofValue(from.isPresent() ? MANY : FEW))
            .taskRunner(taskRunner).containerImage(containerImage).env(env)
            .pythonPath(pythonPath == null ? Property.ofValue("python3") : pythonPath)
            .build();
        PlatformOutput output = list.run(runContext);
        return output.getRows() == null ? Optional.empty() : Optional.of(read(runContext, output.getRows()));
    }

    private static List<FinishedRun> read(RunContext runContext, URI table) throws IOException {
        try (InputStream content = new BufferedInputStream(runContext.storage().getFile(table))) {
            List<Map<String, Object>> rows = FileSerde.readAll(content, new TypeReference<Map<String, Object>>() {
            }).collectList().block();
            return rows == null ? List.of() : rows.stream().flatMap(row -> FinishedRun.of(row).stream()).toList();
        }
    }

    /** A row of the table of runs. */
    record FinishedRun(long id, Instant finishedAt, Map<String, Object> row) implements SeenRuns.Finished {
        /** Empty if it does not say when it finished. */
        static Optional<FinishedRun> of(Map<String, Object> row) {
            try {
                String time = String.valueOf(row.get("finished_at")).strip().replace(' ', 'T');
                Instant finished = OffsetDateTime.parse(time.matches(".*(Z|[+-]\\d\\d:?\\d\\d)") ? time : time + "Z").toInstant();
                return Optional.of(new FinishedRun(((Number) row.get("id")).longValue(), finished, row));
            } catch (DateTimeParseException e) {
                return Optional.empty();
            }
        }
    }

    /** What the execution knows of the runs. */
    @Builder
    @Getter
    public static class Output implements io.kestra.core.models.tasks.Output {
        @Schema(
            title = "The runs, the earliest first",
            description = "Each with `id`, `status`, `job_id`, `job`, `project_id`, `environment_id`, `cause`, `started_at`, `finished_at`, `git_branch`, `git_sha`, `url` and more, as in the table of `ListRuns`."
        )
        private final List<Map<String, Object>> runs;

        @Schema(title = "Number of runs", description = "Of `runs`: one or more.")
        private final int count;

        @Schema(title = "Id of the run that finished last", description = "A number.")
        private final long runId;

        @Schema(title = "Status of the run that finished last", description = "`success`, `error` or `cancelled`.")
        private final String status;

        @Schema(title = "Page of the run that finished last", description = "Its address on the dbt platform.")
        private final String url;

        static Output of(List<FinishedRun> runs) {
            Map<String, Object> last = runs.getLast().row();
            return Output.builder().runs(runs.stream().map(FinishedRun::row).toList()).count(runs.size()).runId(runs.getLast().id())
                .status(String.valueOf(last.get("status"))).url(String.valueOf(last.get("url"))).build();
        }
    }
}
