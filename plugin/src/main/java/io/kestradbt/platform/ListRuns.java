package io.kestradbt.platform;

import java.time.Instant;
import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Lists runs. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "List runs of the dbt platform",
    description = "As the table `rows`, which opens as a preview: each run with its job, status, times, commit and page, the newest first."
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "List the last runs of a job that failed.",
            code = """
                id: dbt_platform_runs
                namespace: company.team

                tasks:
                  - id: failed
                    type: io.kestradbt.platform.ListRuns
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobId: "67890"
                    statuses:
                      - ERROR
                    limit: 10

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.failed.count }} runs, see {{ outputs.failed.rows }}"
                """
        )
    }
)
public class ListRuns extends AbstractPlatform implements JobOptions {
    private Property<String> jobId;

    private Property<String> jobName;

    private Property<String> project;

    private Property<String> environment;

    @Schema(title = "Statuses", description = "Only runs in one of these. Unset: all.")
    @PluginProperty(group = "main")
    private Property<List<RunStatus>> statuses;

    @Schema(
        title = "Finished since",
        description = "Only runs that finished at this time or later, as `2026-01-15T10:20:02Z`; the oldest come first then. By the platform's clock. Unset: any, also those that still run."
    )
    @PluginProperty(group = "main")
    private Property<String> finishedAfter;

    @Schema(title = "Runs at most", description = "Unset: 100.")
    @PluginProperty(group = "main")
    private Property<Integer> limit;

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        return new PlatformRequest.Runs(
            account(rendering), job(rendering), rendering.text(project).orElse(null), rendering.text(environment).orElse(null),
            rendering.constants("statuses", statuses, RunStatus.class),
            rendering.time("finishedAfter", finishedAfter).map(Instant::toString).orElse(null), rendering.integer("limit", limit, 1).orElse(null)
        );
    }
}
