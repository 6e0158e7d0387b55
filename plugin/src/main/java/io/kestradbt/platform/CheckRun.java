package io.kestradbt.platform;

import java.util.Objects;
import java.util.stream.Stream;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.Builder;
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
    description = """
        Follows a run to its end, whoever started it, and brings back its nodes, log and artifacts. Ends as the run does. The run is named by its id, or is
        the latest successful one of a job or an environment. A kill leaves the run alone, unless `onKill` says otherwise."""
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
        ),
        @Example(
            full = true,
            title = "Each hour, take over nodes, artifacts and lineage of what the platform's own schedule has built.",
            code = """
                id: dbt_platform_latest
                namespace: company.team

                triggers:
                  - id: hourly
                    type: io.kestra.plugin.core.trigger.Schedule
                    cron: "0 * * * *"

                tasks:
                  - id: latest
                    type: io.kestradbt.platform.CheckRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobId: "67890"
                """
        )
    }
)
public class CheckRun extends AbstractDropInRun {
    @Schema(
        title = "Id of the run",
        description = "A number: the output `runId` of another task, or the one in the address of the run's page. One of `runId`, `jobId` and `environmentId` has to be set."
    )
    @PluginProperty(group = "main")
    private Property<String> runId;

    @Schema(title = "Id of a job", description = "A number. Its latest successful run is meant; the task fails if there is none.")
    @PluginProperty(group = "main")
    private Property<String> jobId;

    @Schema(title = "Id of an environment", description = "A number. The latest successful run of any of its jobs is meant; the task fails if there is none.")
    @PluginProperty(group = "main")
    private Property<String> environmentId;

    @Schema(
        title = "Fail if the run did",
        description = "`false`: a run that failed or was cancelled makes the task a WARNING, with the reason in the log; all that it left is brought back in either case."
    )
    @PluginProperty(group = "reliability")
    @Builder.Default
    private Property<Boolean> failOnUnsuccessful = Property.ofValue(true);

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        Long run = rendering.id("runId", runId).orElse(null);
        Long job = rendering.id("jobId", jobId).orElse(null);
        Long environment = rendering.id("environmentId", environmentId).orElse(null);
        long named = Stream.of(run, job, environment).filter(Objects::nonNull).count();
        if (named != 1) {
            throw new IllegalArgumentException((named == 0 ? "No run is named" : "More than one run is named") + ": set one of `runId`, `jobId` and `environmentId`.");
        }
        boolean tolerant = !rendering.bool("failOnUnsuccessful", failOnUnsuccessful).orElse(true);
        return new PlatformRequest.Follow(account(rendering), run, job, environment, noWait(rendering), following(rendering).tolerant(tolerant));
    }
}
