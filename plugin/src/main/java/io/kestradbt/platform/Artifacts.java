package io.kestradbt.platform;

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

/** Brings artifacts of a run. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Bring artifacts from the dbt platform",
    description = "Those of a run, or of a job's latest finished run, byte by byte as they are there: of all steps, or of one; dbt's own, or any by pattern."
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Bring the manifest of a job's latest run.",
            code = """
                id: dbt_platform_artifacts
                namespace: company.team

                tasks:
                  - id: latest
                    type: io.kestradbt.platform.Artifacts
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobId: "67890"
                    patterns:
                      - manifest.json

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.latest.artifacts['manifest.json'] }}"
                """
        ),
        @Example(
            full = true,
            title = "Bring the SQL that a step of a run compiled.",
            code = """
                id: dbt_platform_compiled
                namespace: company.team

                inputs:
                  - id: run_of_yesterday
                    type: STRING

                tasks:
                  - id: sql
                    type: io.kestradbt.platform.Artifacts
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    runId: "{{ inputs.run_of_yesterday }}"
                    step: dbt build
                    patterns:
                      - compiled/**/*.sql
                """
        )
    }
)
public class Artifacts extends AbstractPlatform implements JobOptions {
    @Schema(title = "Id of the run", description = "A number. Not together with a job. Unset: the latest finished run of the job.")
    @PluginProperty(group = "main")
    private Property<String> runId;

    private Property<String> jobId;

    private Property<String> jobName;

    private Property<String> project;

    private Property<String> environment;

    @Schema(
        title = "Step of the run",
        description = "Its number as the run's page counts, or a part of its name, as `dbt build`. Unset: each dbt step, the last one's under plain names too."
    )
    @PluginProperty(group = "main")
    private Property<String> step;

    @Schema(
        title = "Which artifacts",
        description = "Glob patterns of paths below dbt's target folder, as `compiled/**/*.sql`. Unset: dbt's own, as `manifest.json` and `run_results.json`."
    )
    @PluginProperty(group = "main")
    private Property<List<String>> patterns;

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        Long run = rendering.id("runId", runId).orElse(null);
        PlatformRequest.Job job = job(rendering);
        if ((run == null) == (job == null)) {
            throw new IllegalArgumentException((run == null ? "Neither a run nor a job is named" : "A run and a job are named") + ": set either `runId`, or `jobId` or `jobName`.");
        }
        return new PlatformRequest.Artifacts(account(rendering), run, job, rendering.text(step).orElse(null), rendering.list("patterns", patterns));
    }
}
