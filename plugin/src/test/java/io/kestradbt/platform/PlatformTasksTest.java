package io.kestradbt.platform;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.http.client.configurations.HttpConfiguration;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.models.validations.ModelValidator;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.runners.WorkerTaskResult;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.serializers.YamlParser;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.bridge.DbtRunException;
import io.kestradbt.task.FakeRunner;
import io.kestradbt.task.LogRecorder;
import jakarta.inject.Inject;

import static io.kestradbt.task.FakeRunner.ENDED;
import static io.kestradbt.task.FakeRunner.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** What the tasks ask of the runner, and what they make of its answers. */
@KestraTest
@Timeout(60)
class PlatformTasksTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FORMER_TRIGGER = "io.kestra.plugin.dbt.cloud.TriggerRun";
    private static final String TOKEN = "dbtu_example_not_real";

    /** Keeps the request, and the secrets if there are others than the token. */
    private static final String KEEP = "cp \"$3\" \"$OUTPUT_DIR/request.json\"; printf %s \"$KESTRA_DBT_SECRETS\" | base64 -d > \"$OUTPUT_DIR/secrets.json\"\n";

    private static final String FAILED = event("\"kind\":\"failure\",\"code\":\"nodes_failed\",\"sentence\":\"Run 7 failed.\"")
        + event("\"kind\":\"ended\",\"outcome\":\"failed\",\"exit_code\":1,\"summary\":{\"nodes\":0}") + "exit 1\n";

    @Inject
    private RunContextFactory runContextFactory;

    @Inject
    private ModelValidator validator;

    @TempDir
    private Path folder;

    private LogRecorder log;

    @BeforeEach
    void record() {
        log = new LogRecorder();
    }

    @AfterEach
    void stopRecording() {
        log.close();
    }

    static Stream<Arguments> requests() {
        return Stream.of(
            arguments(check().runId(Property.ofExpression("{{ inputs.run }}")), """
                {"kind": "platform_follow", "run_id": 70471831584850, "following": {}}"""),
            arguments(check().host(Property.ofValue(" ab123.us1.dbt.com ")).runId(Property.ofValue("1")).wait(Property.ofValue(false)).debug(Property.ofValue(true)), """
                {"kind": "platform_follow", "host": "ab123.us1.dbt.com", "debug": true, "run_id": 1, "no_wait": true, "following": {}}"""),
            arguments(check().jobId(Property.ofValue("2")).failOnUnsuccessful(Property.ofValue(false)), """
                {"kind": "platform_follow", "job_id": 2, "following": {"tolerant": true}}"""),
            arguments(check().environmentId(Property.ofValue("3")), """
                {"kind": "platform_follow", "environment_id": 3, "following": {}}"""),
            arguments(check().runId(Property.ofValue("1")).onKill(Property.ofValue(AbstractFollowing.OnKill.CANCEL)).compiled(Property.ofValue(true))
                .pollFrequency(Property.ofValue(Duration.ofMillis(2500))).maxDuration(Property.ofExpression("{{ 'PT1H' }}")), """
                {"kind": "platform_follow", "run_id": 1, "following": {"poll_s": 2.5, "max_duration_s": 3600.0, "on_kill": "cancel", "compiled": true}}"""),
            arguments(RetryRun.builder().runId(Property.ofValue("70471831584850")).dependencies(Property.ofValue(List.of("truststore"))), """
                {"kind": "platform_retry", "dependencies": ["truststore"], "run_id": 70471831584850, "following": {}}"""),
            arguments(CancelRun.builder().runId(Property.ofValue("8")).wait(Property.ofValue(false)).pollFrequency(Property.ofValue(Duration.ofSeconds(1))), """
                {"kind": "platform_cancel", "run_id": 8, "no_wait": true, "following": {"poll_s": 1.0}}"""),
            arguments(Artifacts.builder().jobName(Property.ofValue("nightly")).project(Property.ofValue("shop")).step(Property.ofValue("dbt build"))
                .patterns(Property.ofValue(List.of("compiled/**/*.sql"))), """
                {"kind": "platform_artifacts", "job": {"name": "nightly", "project": "shop"}, "step": "dbt build", "patterns": ["compiled/**/*.sql"]}"""),
            arguments(ListJobs.builder().project(Property.ofValue("shop")).environment(Property.ofValue("77")).name(Property.ofValue("night")).limit(Property.ofValue(10)), """
                {"kind": "platform_jobs", "project": "shop", "environment": "77", "name": "night", "limit": 10}"""),
            arguments(ListRuns.builder().jobId(Property.ofValue("901")).statuses(Property.ofValue(List.of(RunStatus.ERROR, RunStatus.CANCELLED)))
                .finishedAfter(Property.ofValue("2026-01-15T11:20:02+01:00")).limit(Property.ofValue(10)), """
                {"kind": "platform_runs", "job": {"id": 901}, "statuses": ["error", "cancelled"], "finished_after": "2026-01-15T10:20:02Z", "limit": 10}"""),
            arguments(ListRuns.builder().project(Property.ofValue("shop")), """
                {"kind": "platform_runs", "project": "shop"}""")
        );
    }

    @ParameterizedTest
    @MethodSource("requests")
    void shouldAskAsItsPropertiesSay(AbstractPlatform.AbstractPlatformBuilder<?, ?> builder, String request) throws Exception {
        AbstractPlatform task = task(builder, KEEP + ENDED);
        RunContext runContext = runContext(task);

        PlatformOutput output = task.run(runContext);

        JsonNode expected = JSON.readTree(request.replaceFirst("\\{", "{\"version\": \"1.0\", \"account_id\": 12345,"));
        assertThat(json(runContext, output, "request.json")).isEqualTo(expected);
    }

    @Test
    void shouldTriggerWithEveryOverride() throws Exception {
        TriggerRun task = task(
            trigger(TriggerRun.class.getName()).jobId(null).jobName(Property.ofValue("nightly build")).project(Property.ofValue("shop"))
                .environment(Property.ofValue("Prod")).cause(Property.ofValue("Every morning")).gitSha(Property.ofValue("abc")).gitBranch(Property.ofValue("main"))
                .schemaOverride(Property.ofValue("pr")).dbtVersionOverride(Property.ofValue("latest")).threadsOverride(Property.ofExpression("{{ 4 + 4 }}"))
                .targetNameOverride(Property.ofValue("ci")).generateDocsOverride(Property.ofValue(false)).timeoutSecondsOverride(Property.ofValue(0))
                .stepsOverride(Property.ofValue(List.of("dbt build"))).githubPullRequestId(Property.ofValue(1)).gitlabMergeRequestId(Property.ofValue(2))
                .azurePullRequestId(Property.ofValue(3)).nonNativePullRequestId(Property.ofValue(4)).onRetry(Property.ofValue(TriggerRun.OnRetry.RESTART)),
            KEEP + ENDED
        );
        RunContext runContext = runContext(task);

        JsonNode request = json(runContext, task.run(runContext), "request.json");

        assertThat(request.path("job")).isEqualTo(JSON.readTree("{\"name\": \"nightly build\", \"project\": \"shop\", \"environment\": \"Prod\"}"));
        assertThat(request.path("cause").asText()).isEqualTo("Every morning");
        assertThat(request.path("on_retry").asText()).isEqualTo("restart");
        assertThat(request.path("token").asText()).matches("kestra-[0-9a-f]{16}");
        assertThat(request.path("link").asText()).isEqualTo("https://kestra.example.com/ui/%sexecutions/%s/%s/%s".formatted(
            runContext.flowInfo().tenantId() == null ? "" : runContext.flowInfo().tenantId() + "/", runContext.flowInfo().namespace(),
            runContext.flowInfo().id(), ((Map<?, ?>) runContext.getVariables().get("execution")).get("id")
        ));
        assertThat(request.path("overrides")).isEqualTo(JSON.readTree("""
            {"git_sha": "abc", "git_branch": "main", "schema_override": "pr", "dbt_version_override": "latest", "threads_override": 8, "target_name_override": "ci",
             "generate_docs_override": false, "timeout_seconds_override": 0, "steps_override": ["dbt build"], "github_pull_request_id": 1,
             "gitlab_merge_request_id": 2, "azure_pull_request_id": 3, "non_native_pull_request_id": 4}"""));
    }

    @Test
    void shouldLetTheTokenTravelInTheEnvironmentOnly() throws Exception {
        AbstractPlatform task = task(check().runId(Property.ofValue("1")), KEEP + ENDED);
        RunContext runContext = runContext(task);

        PlatformOutput output = task.run(runContext);

        assertThat(json(runContext, output, "secrets.json")).isEqualTo(JSON.readTree("{\"version\": \"1.0\", \"platform_token\": \"%s\"}".formatted(TOKEN)));
        assertThat(task.toString()).doesNotContain(TOKEN);
        assertThat(log.all()).noneMatch(line -> line.contains(TOKEN));
        assertThat(output.toMap().toString()).doesNotContain(TOKEN);
        try (var files = Files.walk(runContext.workingDir().path())) {
            assertThat(files.filter(Files::isRegularFile).filter(file -> !file.toString().contains("secrets.json"))).noneMatch(file -> read(file).contains(TOKEN));
        }
    }

    @Test
    void shouldMakeOutputsAndTaskRunsOfEvents() throws Exception {
        String at = "\"2026-01-15T10:20:04Z\"";
        AbstractPlatform task = task(
            check().runId(Property.ofValue("7")),
            run(7, "running", false) + link("run", "https://dbt.example.com/runs/7") + link("step 4", "https://dbt.example.com/runs/7#4")
                + event("\"kind\":\"node_finished\",\"invocation\":1,\"unique_id\":\"model.shop.a\",\"label\":\"a\",\"resource_type\":\"model\",\"outcome\":\"failed\",\"status\":\"error\",\"queued_at\":%s,\"started_at\":%s,\"finished_at\":%s".formatted(at, at, at))
                + event("\"kind\":\"metric\",\"type\":\"counter\",\"name\":\"nodes\",\"value\":1,\"tags\":{\"outcome\":\"failed\"}")
                + artifact("manifest.json") + artifact("nodes.ion") + run(7, "error", true) + FAILED
        );
        RunContext runContext = runContext(task);

        DbtRunException failure = catchThrowableOfType(DbtRunException.class, () -> task.run(runContext));

        assertThat(failure).hasMessage("Run 7 failed.");
        PlatformOutput output = (PlatformOutput) failure.getOutput();
        assertThat(output.getRunId()).isEqualTo(7);
        assertThat(output.getRun()).containsExactly(Map.entry("id", 7L), Map.entry("status", "error"), Map.entry("job", "nightly"));
        assertThat(output.getLinks()).containsOnlyKeys("run", "step 4");
        assertThat(output.getArtifacts()).containsOnlyKeys("manifest.json", "nodes.ion");
        assertThat(output.getNodes()).isEqualTo(output.getArtifacts().get("nodes.ion"));
        assertThat(output.getFailed()).containsExactly("model.shop.a");
        assertThat(output.getSummary()).containsKeys("nodes", "seconds");
        assertThat(output.getRunUrl()).isNull();
        assertThat(runContext.dynamicWorkerResults()).extracting(WorkerTaskResult::getTaskRun).extracting(TaskRun::getTaskId).containsExactly("a");
        assertThat(runContext.metrics()).extracting(metric -> metric.getName()).containsExactly("nodes");
    }

    @Test
    void shouldGiveTheTableThatWasListed() throws Exception {
        AbstractPlatform task = task(ListRuns.builder(), event("\"kind\":\"artifact\",\"name\":\"runs.ion\",\"file\":\"runs.ion\",\"bytes\":2,\"rows\":3") + "printf '{}' > \"$OUTPUT_DIR/runs.ion\"\n" + ENDED);

        PlatformOutput output = task.run(runContext(task));

        assertThat(output.getCount()).isEqualTo(3);
        assertThat(output.getRows()).isEqualTo(output.getArtifacts().get("runs.ion"));
        assertThat(output.getRunId()).isNull();
        assertThat(output.getSummary()).isNull();
        assertThat(output.finalState()).isEmpty();
    }

    @Test
    void shouldTellTheNextAttemptWhichRunsAreReported() throws Exception {
        TriggerRun task = task(trigger(TriggerRun.class.getName()), KEEP + run(7, "error", true) + FAILED);
        RunContext runContext = runContext(task);
        JsonNode first = requestOf(task, runContext);
        TriggerRun again = task(trigger(TriggerRun.class.getName()), KEEP + run(8, "running", false) + ENDED);
        JsonNode second = requestOf(again, runContext);
        JsonNode third = requestOf(again, runContext);
        TriggerRun other = task(trigger(TriggerRun.class.getName()).gitBranch(Property.ofValue("x")), KEEP + run(9, "running", false) + ENDED);
        JsonNode fourth = requestOf(other, runContext);

        assertThat(first.path("reported")).isEmpty();
        assertThat(first.path("on_retry").asText()).isEqualTo("resume");
        assertThat(second.path("reported")).isEqualTo(JSON.readTree("[7]"));
        assertThat(second.path("on_retry").asText()).isEqualTo("resume");
        assertThat(second.path("token")).isEqualTo(first.path("token"));
        assertThat(third.path("reported")).as("a run that goes on is not reported").isEqualTo(JSON.readTree("[7]"));
        assertThat(fourth.path("on_retry").asText()).as("another wish is not resumed").isEqualTo("restart");
        assertThat(log.of("task")).contains("INFO The run before, 7, was of another job or had other overrides: it is not resumed.");
        assertThat(requestOf(task, runContext(task)).path("token")).as("another execution").isNotEqualTo(first.path("token"));
    }

    @Test
    void shouldReportARunThatWasOnlyToBeStarted() throws Exception {
        TriggerRun task = task(trigger(TriggerRun.class.getName()).wait(Property.ofValue(false)), KEEP + run(7, "queued", false) + ENDED);
        RunContext runContext = runContext(task);

        requestOf(task, runContext);

        assertThat(requestOf(task, runContext).path("reported")).isEqualTo(JSON.readTree("[7]"));
    }

    @Test
    void shouldKeepTheDefaultsAndOutputsOfTheFormerName() throws Exception {
        TriggerRun former = task(
            trigger(FORMER_TRIGGER).baseUrl(Property.ofValue("https://emea.dbt.com")).maxRetries(Property.ofValue(3)).initialDelayMs(Property.ofValue(1000L))
                .parseRunResults(Property.ofValue(false)).options(HttpConfiguration.builder().build()).reattach(Property.ofValue(false)),
            KEEP + run(7, "success", true) + link("run", "https://dbt.example.com/runs/7") + artifact("manifest.json") + artifact("run_results.json") + ENDED
        );
        RunContext runContext = runContext(former);

        PlatformOutput output = former.run(runContext);

        JsonNode request = json(runContext, output, "request.json");
        assertThat(request.path("host").asText()).isEqualTo("https://emea.dbt.com");
        assertThat(request.path("following")).isEqualTo(JSON.readTree("{\"poll_s\": 5.0, \"max_duration_s\": 3600.0}"));
        assertThat(request.path("on_retry").asText()).isEqualTo("restart");
        assertThat(request.path("cause").asText()).isEqualTo("Triggered by Kestra.");
        assertThat(log.of("task")).filteredOn(line -> line.contains("no meaning any more")).hasSize(4);
        assertThat(output.getManifest()).isEqualTo(output.getArtifacts().get("manifest.json"));
        assertThat(output.getRunResults()).isEqualTo(output.getArtifacts().get("run_results.json"));
        assertThat(output.getRunUrl()).isEqualTo("https://dbt.example.com/runs/7");
        assertThat(output.getRun()).containsEntry("status", "Success").containsEntry("jobName", "nightly").containsEntry("job", "nightly");
    }

    @Test
    void shouldTakeEveryPropertyOfEveryFormerType() throws Exception {
        Flow flow = YamlParser.parse(new String(PlatformTasksTest.class.getResourceAsStream("/flows/former-spelling-cloud.yaml").readAllBytes()), Flow.class);

        assertThat(validator.isValid(flow)).isEmpty();
        assertThat(flow.getTasks()).extracting(task -> task.getClass().getSimpleName()).containsExactly("TriggerRun", "CheckRun", "CheckRun", "CheckRun");
        assertThat(flow.getTasks()).allSatisfy(task -> {
            assertThat(task.getType()).isEqualTo("io.kestra.plugin.dbt.cloud." + task.getId().replaceFirst("Of.*", ""));
            // A worker gets the task as JSON: nothing of it may be lost.
            JsonNode sent = JacksonMapper.ofJson().valueToTree(task);
            assertThat(JacksonMapper.ofJson().<JsonNode> valueToTree(JacksonMapper.ofJson().treeToValue(sent, Task.class))).isEqualTo(sent);
        });
    }

    @Test
    void shouldNameWhatIsWrongWithAProperty() {
        assertThatThrownBy(() -> run(trigger(TriggerRun.class.getName()).jobId(null))).hasMessageStartingWith("No job is named: set `jobId`");
        assertThatThrownBy(() -> run(trigger(TriggerRun.class.getName()).jobId(Property.ofValue("nightly"))))
            .hasMessage("`jobId` is \"nightly\": expected an id, which is a number.");
        assertThatThrownBy(() -> run(trigger(TriggerRun.class.getName()).host(Property.ofValue("a")).baseUrl(Property.ofValue("b"))))
            .hasMessage("`baseUrl` is an older spelling of `host`, and both are set: keep `host`.");
        assertThatThrownBy(() -> run(check().runId(Property.ofExpression("{{ '' }}")))).hasMessageStartingWith("No run is named: set one of");
        assertThatThrownBy(() -> run(check().runId(Property.ofValue("1")).jobId(Property.ofValue("2")))).hasMessageStartingWith("More than one run is named");
        assertThatThrownBy(() -> run(check().runId(Property.ofValue("1")).pollFrequency(Property.ofExpression("{{ 'often' }}"))))
            .hasMessage("`pollFrequency` is \"often\": expected a time as PT10S or PT1H30M, of at least PT0.1S.");
        assertThatThrownBy(() -> run(check().runId(Property.ofValue("1")).maxDuration(Property.ofValue(Duration.ZERO))))
            .hasMessageContaining("of at least PT1S");
        assertThatThrownBy(() -> run(Artifacts.builder())).hasMessageStartingWith("Neither a run nor a job is named");
        assertThatThrownBy(() -> run(Artifacts.builder().runId(Property.ofValue("1")).jobId(Property.ofValue("2")))).hasMessageStartingWith("A run and a job are named");
        assertThatThrownBy(() -> run(ListRuns.builder().finishedAfter(Property.ofValue("yesterday")))).hasMessageContaining("`finishedAfter` is \"yesterday\"");
        AbstractPlatform blank = task(check().runId(Property.ofValue("1")).token(Property.ofValue(" ")), "");
        assertThatThrownBy(() -> blank.run(runContext(blank))).hasMessageContaining("`token`");
    }

    @Test
    void shouldLetTheRunnerStopByItselfWhenItIsKilled() throws Exception {
        String stops = "while ! rm .kestra-dbt/request.stop 2>/dev/null; do sleep 0.05; done\n" + run(7, "cancelled", true)
            + event("\"kind\":\"failure\",\"code\":\"killed\",\"sentence\":\"Run 7 was cancelled.\"")
            + event("\"kind\":\"ended\",\"outcome\":\"failed\",\"exit_code\":130") + "exit 130\n";
        TriggerRun task = task(trigger(TriggerRun.class.getName()), run(7, "running", false) + "echo ready\n" + stops);
        RunContext runContext = runContext(task);
        AtomicReference<Throwable> end = new AtomicReference<>();
        Thread worker = Thread.ofPlatform().start(() -> end.set(catchThrowable(() -> task.run(runContext))));
        while (!log.of("task").contains("INFO ready")) {
            Thread.sleep(20);
        }

        task.kill();
        worker.interrupt();
        worker.join();

        assertThat(end.get()).isInstanceOf(DbtRunException.class).hasMessage("Run 7 was cancelled.");
        PlatformOutput output = (PlatformOutput) ((DbtRunException) end.get()).getOutput();
        assertThat(output.getRun()).containsEntry("status", "cancelled");
        assertThat(output.finalState()).contains(State.Type.FAILED);
        TriggerRun next = task(trigger(TriggerRun.class.getName()), KEEP + ENDED);
        assertThat(requestOf(next, runContext).path("reported")).isEqualTo(JSON.readTree("[7]"));
    }

    private void run(AbstractPlatform.AbstractPlatformBuilder<?, ?> builder) throws Exception {
        AbstractPlatform task = task(builder, ENDED);
        task.run(runContext(task));
    }

    /** The request that a run of the task makes, whether it ends well or not. */
    private JsonNode requestOf(AbstractPlatform task, RunContext runContext) throws Exception {
        try {
            return json(runContext, task.run(runContext), "request.json");
        } catch (DbtRunException e) {
            return json(runContext, (PlatformOutput) e.getOutput(), "request.json");
        }
    }

    private static CheckRun.CheckRunBuilder<?, ?> check() {
        return CheckRun.builder();
    }

    private static TriggerRun.TriggerRunBuilder<?, ?> trigger(String type) {
        return TriggerRun.builder().type(type).jobId(Property.ofValue("901"));
    }

    @SuppressWarnings("unchecked")
    private <T extends AbstractPlatform> T task(AbstractPlatform.AbstractPlatformBuilder<?, ?> builder, String runner) {
        AbstractPlatform plain = builder.build();
        builder.id("task").type(plain.getType() == null ? plain.getClass().getName() : plain.getType()).accountId(Property.ofValue("12345"));
        if (plain.getToken() == null) {
            builder.token(Property.ofValue(TOKEN));
        }
        try {
            return (T) builder.pythonPath(FakeRunner.of(folder, runner)).build();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private RunContext runContext(AbstractPlatform task) {
        return TestsUtils.mockRunContext(runContextFactory, task, Map.of("run", 70471831584850L));
    }

    private static String run(long id, String status, boolean ended) {
        return event("\"kind\":\"platform_run\",\"id\":%d,\"status\":\"%s\",\"ended\":%s,\"details\":{\"job\":\"nightly\"}".formatted(id, status, ended));
    }

    private static String link(String name, String url) {
        return event("\"kind\":\"link\",\"name\":\"%s\",\"url\":\"%s\"".formatted(name, url));
    }

    private static String artifact(String name) {
        return "printf '{}' > \"$OUTPUT_DIR/" + name + "\"\n" + event("\"kind\":\"artifact\",\"name\":\"" + name + "\",\"file\":\"" + name + "\",\"bytes\":2");
    }

    private static JsonNode json(RunContext runContext, PlatformOutput output, String file) throws IOException {
        URI uri = output.getOutputFiles().get(file);
        try (var content = runContext.storage().getFile(uri)) {
            return JSON.readTree(new String(content.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
