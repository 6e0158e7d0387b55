package io.kestradbt.platform;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Follows a run that somebody else started. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Follow a run of the dbt platform",
    description = "Follows a run to its end, whoever started it, and brings back its nodes, log and artifacts. Ends as the run does. A kill leaves the run alone, unless `onKill` says otherwise."
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cloud.CheckStatus",
    examples = {
        @Example(
            full = true,
            title = "Start a run, do something else meanwhile, then wait for it.",
            code = """
                id: dbt_platform_check
                namespace: company.team

                tasks:
                  - id: start
                    type: io.kestradbt.platform.TriggerRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobId: "67890"
                    wait: false

                  - id: meanwhile
                    type: io.kestra.plugin.core.log.Log
                    message: "See {{ outputs.start.links.run }}"

                  - id: follow
                    type: io.kestradbt.platform.CheckRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    runId: "{{ outputs.start.runId }}"
                """
        )
    }
)
public class CheckRun extends AbstractDropInRun {
    @Schema(title = "Id of the run", description = "A number: the output `runId` of another task, or the one in the address of the run's page.")
    @PluginProperty(group = "main")
    @NotNull
    private Property<String> runId;

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        return new PlatformRequest.Follow(account(rendering), id(rendering, "runId", runId), noWait(rendering), following(rendering));
    }
}
