package io.kestradbt.platform;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.state.ReportedRuns;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Runs a job, exactly once. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run a job of the dbt platform",
    description = """
        Starts a run of a job, exactly once, and follows it: its log as it appears, every node in the Gantt, the artifacts of each step. Should the reply be
        lost, the worker die or Kestra try again, the run that was started is found by a token in its cause and taken over. A kill cancels it."""
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cloud.TriggerRun",
    examples = {
        @Example(
            full = true,
            title = "Run a job, and tell where its page is.",
            code = """
                id: dbt_platform_job
                namespace: company.team

                tasks:
                  - id: nightly
                    type: io.kestradbt.platform.TriggerRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobId: "67890"

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.nightly.summary.success }} nodes, see {{ outputs.nightly.links.run }}"
                """
        ),
        @Example(
            full = true,
            title = "Run a job known by its names on a branch, with other commands; if it fails, retry it from its failure.",
            code = """
                id: dbt_platform_branch
                namespace: company.team

                tasks:
                  - id: branch
                    type: io.kestradbt.platform.TriggerRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    jobName: Nightly build
                    project: shop
                    environment: Prod
                    cause: The branch of the week
                    gitBranch: main
                    schemaOverride: dbt_branch
                    threadsOverride: 8
                    stepsOverride:
                      - dbt seed
                      - dbt run --select +fct_orders
                    onRetry: RESUME
                    retry:
                      type: constant
                      interval: PT1M
                      maxAttempts: 2
                """
        )
    }
)
public class TriggerRun extends AbstractDropInRun implements JobOptions {
    /** What an attempt does whose run before has failed. */
    public enum OnRetry {
        RESUME, RESTART
    }

    private Property<String> jobId;

    private Property<String> jobName;

    private Property<String> project;

    private Property<String> environment;

    @Schema(
        title = "Why it is run",
        description = "Shown on the run's page, in front of the address of the execution and a token of ours. Unset: `Triggered by Kestra.`"
    )
    @PluginProperty(group = "main")
    private Property<String> cause;

    @Schema(
        title = "What a retry does after a run that failed",
        description = """
            - `RESUME`: the run is retried from its failure. Where the platform cannot do that, a new run is started, and the log says why.
            - `RESTART`: a new run is started.

            This is for attempts after a `retry`, a restart or a replay. A run that has not ended, or whose end no attempt has reported, is taken over
            in any case. Unset: `RESUME`; under the type name `io.kestra.plugin.dbt.cloud.TriggerRun`, `RESTART`."""
    )
    @PluginProperty(group = "reliability")
    private Property<OnRetry> onRetry;

    @Schema(title = "Commit", description = "SHA of the commit to run. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<String> gitSha;

    @Schema(title = "Branch", description = "The branch to run. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<String> gitBranch;

    @Schema(title = "Schema", description = "The schema to write to. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<String> schemaOverride;

    @Schema(title = "dbt version", description = "As `latest`. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<String> dbtVersionOverride;

    @Schema(title = "Threads", description = "Nodes that dbt runs at a time. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<Integer> threadsOverride;

    @Schema(title = "Target", description = "What the project reads as `target.name`. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<String> targetNameOverride;

    @Schema(title = "Whether documentation is written", description = "Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<Boolean> generateDocsOverride;

    @Schema(title = "Seconds after which the platform cancels the run", description = "0: never. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<Integer> timeoutSecondsOverride;

    @Schema(title = "dbt commands", description = "Instead of those of the job, as `dbt build --select state:modified+`. Unset: as the job says.")
    @PluginProperty(group = "advanced")
    private Property<List<String>> stepsOverride;

    @Schema(title = "Number of a pull request on GitHub", description = "Makes it a run of continuous integration. Unset: none.")
    @PluginProperty(group = "advanced")
    private Property<Integer> githubPullRequestId;

    @Schema(title = "Number of a merge request on GitLab", description = "Makes it a run of continuous integration. Unset: none.")
    @PluginProperty(group = "advanced")
    private Property<Integer> gitlabMergeRequestId;

    @Schema(title = "Number of a pull request on Azure DevOps", description = "Makes it a run of continuous integration. Unset: none.")
    @PluginProperty(group = "advanced")
    private Property<Integer> azurePullRequestId;

    @Schema(title = "Number of a pull request elsewhere", description = "Makes it a run of continuous integration. Unset: none.")
    @PluginProperty(group = "advanced")
    private Property<Integer> nonNativePullRequestId;

    @Schema(
        title = "Without a meaning",
        description = "Deprecated: a run that was started already is always taken over, never started again. `false` is said in the log. Unset: `true`.",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    private Property<Boolean> reattach;

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException, IOException {
        PlatformRequest.Job job = job(rendering);
        if (job == null) {
            throw new IllegalArgumentException("No job is named: set `jobId`, or `jobName` with what tells it from others of that name.");
        }
        Map<String, Object> overrides = overrides(rendering);
        ReportedRuns reported = new ReportedRuns(runContext);
        return new PlatformRequest.Trigger(
            account(rendering), job, rendering.text(cause).orElse("Triggered by Kestra."), overrides, reported.token(),
            ExecutionPage.of(runContext).orElse(null), reported.ids(), onRetry(runContext, rendering, reported, wish(job, overrides)),
            noWait(rendering), following(rendering)
        );
    }

    @Override
    protected void ended(RunContext runContext, PlatformRequest request, RunResult result) {
        PlatformRequest.Trigger trigger = (PlatformRequest.Trigger) request;
        Reporting.note(runContext, wish(trigger.job(), trigger.overrides()), trigger.noWait(), result);
    }

    @Override
    protected List<String> notices(Rendering rendering) throws IllegalVariableEvaluationException {
        List<String> notices = new ArrayList<>(super.notices(rendering));
        if (!rendering.bool("reattach", reattach).orElse(true)) {
            notices.add("`reattach: false` has no meaning any more: a run that this task started already is taken over, never started twice.");
        }
        return notices;
    }

    private String onRetry(RunContext runContext, Rendering rendering, ReportedRuns reported, List<?> wish) throws IllegalVariableEvaluationException, IOException {
        OnRetry wanted = rendering.constant("onRetry", onRetry, OnRetry.class).orElse(byFormerName() ? OnRetry.RESTART : OnRetry.RESUME);
        if (wanted == OnRetry.RESUME && reported.lastWasOfOther(wish)) {
            runContext.logger().info("The run before, {}, was of another job or had other overrides: it is not resumed.", reported.ids().getLast());
            wanted = OnRetry.RESTART;
        }
        return Rendering.word(wanted);
    }

    private Map<String, Object> overrides(Rendering rendering) throws IllegalVariableEvaluationException {
        return new Options(rendering)
            .text("gitSha", gitSha)
            .text("gitBranch", gitBranch)
            .text("schemaOverride", schemaOverride)
            .text("dbtVersionOverride", dbtVersionOverride)
            .integer("threadsOverride", threadsOverride, 1)
            .text("targetNameOverride", targetNameOverride)
            .bool("generateDocsOverride", generateDocsOverride)
            .integer("timeoutSecondsOverride", timeoutSecondsOverride, 0)
            .list("stepsOverride", stepsOverride)
            .integer("githubPullRequestId", githubPullRequestId, 1)
            .integer("gitlabMergeRequestId", gitlabMergeRequestId, 1)
            .integer("azurePullRequestId", azurePullRequestId, 1)
            .integer("nonNativePullRequestId", nonNativePullRequestId, 1)
            .values();
    }

    private static List<?> wish(PlatformRequest.Job job, Map<String, Object> overrides) {
        return Arrays.asList(job, overrides);
    }
}
