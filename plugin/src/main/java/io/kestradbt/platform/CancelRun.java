package io.kestradbt.platform;

import java.time.Duration;

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
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Cancels a run. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Cancel a run of the dbt platform",
    description = "Cancels a run and waits until it has ended. One that has ended already is left as it is: the log says so, and the task is a success."
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Start a run, and cancel it.",
            code = """
                id: dbt_platform_cancel
                namespace: company.team

                tasks:
                  - id: start
                    type: io.kestradbt.platform.TriggerRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobId: "67890"
                    wait: false

                  - id: cancel
                    type: io.kestradbt.platform.CancelRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    runId: "{{ outputs.start.runId }}"
                """
        )
    }
)
public class CancelRun extends AbstractPlatform {
    @Schema(title = "Id of the run", description = "A number: the output `runId` of another task, or the one in the address of the run's page.")
    @PluginProperty(group = "main")
    @NotNull
    private Property<String> runId;

    @Schema(title = "Wait until the run has ended", description = "`false`: the task ends as soon as the platform has taken the request.")
    @PluginProperty(group = "main")
    @Builder.Default
    private Property<Boolean> wait = Property.ofValue(true);

    @Schema(title = "Time between two looks at the run", description = "Unset: PT10S, and less at first.")
    @PluginProperty(group = "execution")
    private Property<Duration> pollFrequency;

    @Schema(title = "Longest time to wait", description = "After that, the task fails. Unset: as long as it takes.")
    @PluginProperty(group = "execution")
    private Property<Duration> maxDuration;

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        return new PlatformRequest.Cancel(
            account(rendering), id(rendering, "runId", runId), !rendering.bool("wait", wait).orElse(true),
            new PlatformRequest.Following(
                rendering.duration("pollFrequency", pollFrequency, AbstractFollowing.LEAST_POLL).map(AbstractFollowing::seconds).orElse(null),
                rendering.duration("maxDuration", maxDuration, AbstractFollowing.LEAST_WAIT).map(AbstractFollowing::seconds).orElse(null), null, false, false
            )
        );
    }
}
