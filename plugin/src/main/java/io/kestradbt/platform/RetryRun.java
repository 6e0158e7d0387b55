package io.kestradbt.platform;

import java.io.IOException;
import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.state.ReportedRuns;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Retries a failed run from its failure, exactly once. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Retry a failed run of the dbt platform",
    description = """
        Retries a run from its failure, exactly once, and follows the new run as `TriggerRun` does. Fails with the platform's reason if the run cannot be
        retried: it has not failed, is not the latest of its job, or has a command that cannot be retried."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Retry a run from its failure.",
            code = """
                id: dbt_platform_retry
                namespace: company.team

                inputs:
                  - id: failed_run
                    type: STRING

                tasks:
                  - id: again
                    type: io.kestradbt.platform.RetryRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    runId: "{{ inputs.failed_run }}"
                """
        )
    }
)
public class RetryRun extends AbstractFollowing {
    @Schema(title = "Id of the run that failed", description = "A number: the output `runId` of another task, or the one in the address of the run's page.")
    @PluginProperty(group = "main")
    @NotNull
    private Property<String> runId;

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException, IOException {
        return new PlatformRequest.Retry(
            account(rendering), id(rendering, "runId", runId), new ReportedRuns(runContext).ids(), noWait(rendering), following(rendering)
        );
    }

    @Override
    protected void ended(RunContext runContext, PlatformRequest request, RunResult result) {
        PlatformRequest.Retry retry = (PlatformRequest.Retry) request;
        Reporting.note(runContext, List.of(retry.runId()), retry.noWait(), result);
    }
}
