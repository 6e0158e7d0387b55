package io.kestradbt.core;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.runners.WorkerTaskResult;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.bridge.DbtRunException;
import io.kestradbt.bridge.Samples;
import io.kestradbt.core.options.IndirectSelectionOptions.IndirectSelection;
import io.kestradbt.task.FakeRunner;
import io.kestradbt.task.LogRecorder;
import jakarta.inject.Inject;

import static io.kestradbt.task.FakeRunner.ENDED;
import static io.kestradbt.task.FakeRunner.event;
import static io.kestradbt.task.FakeRunner.started;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

@KestraTest
@Timeout(60)
class BuildTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Inject
    private RunContextFactory runContextFactory;

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

    @Test
    void shouldMakeTaskRunsOutputsAndMetricsOfEvents() throws Exception {
        Files.writeString(folder.resolve("events"), Samples.text("events.txt"));
        Build task = task("cat '" + folder + "/events'; printf '{}' > \"$OUTPUT_DIR/run_results.json\"; exit 1").build();
        RunContext runContext = runContext(task);

        DbtRunException failure = failure(task, runContext);

        assertThat(failure).hasMessage(
            "1 of 3 nodes failed: test not_null.order_id.\ntest.shop.not_null_stg_orders_order_id.81cfe2fe64: Got 2 results"
        ).hasNoCause();
        DbtOutput output = (DbtOutput) failure.getOutput();
        assertThat(output.getExitCode()).isEqualTo(1);
        assertThat(output.getArtifacts()).containsOnlyKeys("run_results.json");
        assertThat(content(runContext, output.getArtifacts().get("run_results.json"))).isEqualTo("{}");
        assertThat(output.getOutputFiles()).isEmpty();
        assertThat(output.getNodes()).isNull();
        assertThat(output.getFailed()).containsExactly("test.shop.not_null_stg_orders_order_id.81cfe2fe64");
        assertThat(output.getSummary()).containsEntry("nodes", 3L).containsEntry("rows_affected", 42L).containsEntry("seconds", 4.2);
        assertThat(runContext.metrics()).extracting(metric -> metric.getName() + " " + metric.getValue() + " " + metric.getTags())
            .containsExactly("nodes 1.0 {outcome=failed}", "duration " + Duration.ofMillis(4200) + " {}");
        assertTaskRuns(runContext);
        assertLogs();
    }

    private void assertTaskRuns(RunContext runContext) {
        List<TaskRun> nodes = nodes(runContext);
        assertThat(nodes).extracting(TaskRun::getTaskId).containsExactly("stg_orders", "not_null.order_id", "orders");
        assertThat(nodes).extracting(TaskRun::getValue).startsWith("model.shop.stg_orders");
        assertThat(nodes).extracting(TaskRun::getParentTaskRunId).containsExactly(
            runContext.taskRunInfo().taskRunId(), nodes.getFirst().getId(), runContext.taskRunInfo().taskRunId()
        );
        assertThat(nodes).allSatisfy(node -> {
            assertThat(node.getExecutionId()).isNotNull().isEqualTo(((Map<?, ?>) runContext.getVariables().get("execution")).get("id"));
            assertThat(node.getTenantId()).isEqualTo(runContext.flowInfo().tenantId());
            assertThat(node.getDynamic()).isTrue();
            assertThat(node.getAttempts()).as("which would be as large as all else").isNull();
        });
        assertThat(nodes).extracting(node -> node.getState().getCurrent())
            .containsExactly(State.Type.SUCCESS, State.Type.FAILED, State.Type.SKIPPED);
        assertThat(nodes.get(0).getState().getHistories()).containsExactly(
            new State.History(State.Type.CREATED, Instant.parse("2026-01-15T10:20:04.482824Z")),
            new State.History(State.Type.RUNNING, Instant.parse("2026-01-15T10:20:04.982824Z")),
            new State.History(State.Type.SUCCESS, Instant.parse("2026-01-15T10:20:05.982824Z"))
        );
        assertThat(nodes.get(2).getState().getHistories()).extracting(State.History::getState)
            .containsExactly(State.Type.CREATED, State.Type.SKIPPED);
    }

    private void assertLogs() {
        assertThat(log.of("stg_orders")).containsExactly("INFO 1 of 3 START sql view model main.stg_orders");
        assertThat(log.of("not_null.order_id")).singleElement().asString().startsWith("ERROR Got 2 results");
        assertThat(log.of("build")).containsSubsequence(
            "INFO Found 4 models, 2 data tests", "INFO START 1 of 3 model stg_orders", "INFO OK 1 of 3 model stg_orders in 0.98 s, 42 rows"
        );
        assertThat(log.events()).filteredOn(event -> event.getFormattedMessage().startsWith("OK 1 of 3"))
            .extracting(event -> event.getTimeStamp()).containsExactly(Instant.parse("2026-01-15T10:20:05.982Z").toEpochMilli());
    }

    @Test
    void shouldPassOptionsInTheRequestAndSecretsInTheEnvironmentOnly() throws Exception {
        Build task = task("cp \"$3\" \"$OUTPUT_DIR/request.json\"; printf %s \"$KESTRA_DBT_SECRETS\" | base64 -d > \"$OUTPUT_DIR/secrets.json\"\n" + ENDED)
            .select(Property.ofExpression("[\"stg_orders+\", \" \", \"{{ inputs.tag }}\"]"))
            .exclude(Property.ofValue(List.of()))
            .selector(Property.ofExpression("{{ inputs.nothing }}"))
            .resourceTypes(Property.ofExpression("{{ inputs.types }}"))
            .threads(Property.ofExpression("{{ inputs.threads }}"))
            .fullRefresh(Property.ofValue(false))
            .failFast(Property.ofExpression("{{ inputs.fail_fast }}"))
            .indirectSelection(Property.ofValue(IndirectSelection.CAUTIOUS))
            .projectDir(Property.ofValue("shop"))
            .target(Property.ofValue("dev"))
            .dependencies(Property.ofValue(List.of("dbt-duckdb")))
            .args(Property.ofValue(List.of("--no-partial-parse")))
            .generateDocs(Property.ofValue(true))
            .vars(Property.ofValue(Map.of("token", "hunter2", "limit", 10)))
            .profiles(Map.of("shop", Map.of("port", "{{ inputs.threads }}", "password", "{{ inputs.password }}", "pin", "0123")))
            .build();
        RunContext runContext = runContext(task, Map.of(
            "tag", "tag:nightly", "nothing", "", "types", List.of("model", "test"), "threads", 4, "fail_fast", true, "password", "hunter2 {{ x }}"
        ));

        DbtOutput output = task.run(runContext);

        assertThat(json(runContext, output, "request.json")).isEqualTo(JSON.readTree("""
            {"kind": "dbt_command", "version": "1.0", "command": ["build"], "args": ["--no-partial-parse"], "dependencies": ["dbt-duckdb"],
             "generate_docs": true,
             "options": {"project_dir": "shop", "target": "dev", "select": ["stg_orders+", "tag:nightly"], "resource_types": ["model", "test"],
                         "threads": 4, "fail_fast": true, "full_refresh": false, "indirect_selection": "cautious"}}"""));
        JsonNode secrets = json(runContext, output, "secrets.json");
        assertThat(secrets.path("vars")).isEqualTo(JSON.readTree("{\"token\": \"hunter2\", \"limit\": 10}"));
        assertThat(secrets.path("profiles").asText()).contains("\"port\":4", "\"password\":\"hunter2 {{ x }}\"", "\"pin\":\"0123\"");
        assertThat(log.all()).noneMatch(line -> line.contains("hunter2"));
        try (var files = Files.walk(runContext.workingDir().path())) {
            assertThat(files.filter(Files::isRegularFile).filter(file -> !file.toString().contains("secrets.json")))
                .noneMatch(file -> read(file).contains("hunter2"));
        }
    }

    @Test
    void shouldPassNothingThatIsUnset() throws Exception {
        Build task = task("cp \"$3\" \"$OUTPUT_DIR/request.json\"; printf %s \"$KESTRA_DBT_SECRETS\" | base64 -d > \"$OUTPUT_DIR/secrets.json\"\n" + ENDED).build();
        RunContext runContext = runContext(task);

        DbtOutput output = task.run(runContext);

        assertThat(json(runContext, output, "request.json"))
            .isEqualTo(JSON.readTree("{\"kind\": \"dbt_command\", \"version\": \"1.0\", \"command\": [\"build\"]}"));
        assertThat(json(runContext, output, "secrets.json")).isEqualTo(JSON.readTree("{\"version\": \"1.0\"}"));
        assertThat(output.finalState()).isEmpty();
    }

    @Test
    void shouldEndWithAWarningAndItsReason() throws Exception {
        Build task = task(event("\"kind\":\"ended\",\"outcome\":\"warning\",\"exit_code\":0,\"reason\":\"1 test warned.\",\"summary\":{}")).build();

        DbtOutput output = task.run(runContext(task));

        assertThat(output.finalState()).contains(State.Type.WARNING);
        assertThat(log.of("build")).contains("WARN 1 test warned.");
        assertThat(output.toMap()).doesNotContainKey("warning");
    }

    @Test
    void shouldGiveFilesAndValuesOfOtherCommandsToo() throws Exception {
        Build task = task("""
            mkdir -p "$OUTPUT_DIR/docs"; echo page > "$OUTPUT_DIR/docs/index.html"; echo mine > "$OUTPUT_DIR/mine.txt"; echo report > report.txt
            echo '::{"outputs": {"rows": 3}}::'
            """ + event("\"kind\":\"artifact\",\"name\":\"docs/index.html\",\"file\":\"docs/index.html\",\"bytes\":5") + ENDED)
            .outputFiles(Property.ofValue(List.of("report.txt")))
            .build();

        DbtOutput output = task.run(runContext(task));

        assertThat(output.getArtifacts()).containsOnlyKeys("docs/index.html");
        assertThat(output.getOutputFiles()).containsOnlyKeys("mine.txt", "report.txt");
        assertThat(output.getVars()).containsEntry("rows", 3);
    }

    @Test
    void shouldRunBeforeCommandsInTheSameShell() throws Exception {
        Build task = task("printf %s \"$GREETING $OWN\" > \"$OUTPUT_DIR/greeting\"\n" + ENDED)
            .env(Property.ofValue(Map.of("OWN", "world")))
            .beforeCommands(Property.ofValue(List.of("export GREETING=hello")))
            .build();
        RunContext runContext = runContext(task);

        DbtOutput output = task.run(runContext);

        assertThat(content(runContext, output.getOutputFiles().get("greeting"))).isEqualTo("hello world");
    }

    @Test
    void shouldStopAtABeforeCommandThatFails() throws Exception {
        Build task = task(ENDED).beforeCommands(Property.ofValue(List.of("false", "echo not reached"))).build();

        assertThat(failure(task, runContext(task))).hasMessageContaining("one of `beforeCommands` failed");
        assertThat(log.all()).noneMatch(line -> line.equals("INFO not reached"));
    }

    @Test
    void shouldSayThatPythonIsMissing() {
        Build task = builder().pythonPath(Property.ofValue("no-such-python")).build();

        assertThat(failure(task, runContext(task))).hasMessageStartingWith("`no-such-python` was not found").hasMessageContaining("`pythonPath`");
    }

    @Test
    void shouldReadBytesThatAreNotTextAndLongLines() throws Exception {
        Build task = task("printf 'caf\\351\\n\\n'; head -c 1000000 /dev/zero | tr '\\0' x; echo; echo last >&2\n" + ENDED).build();

        task.run(runContext(task));

        assertThat(log.of("build")).contains("INFO caf\uFFFD", "INFO " + "x".repeat(1_000_000), "ERROR last");
        assertThat(log.of("build")).noneMatch(String::isBlank);
    }

    @Test
    void shouldKeepWhatARunnerThatDiedHadDone() throws Exception {
        Build task = task(started("orders") + """
            printf x > "$OUTPUT_DIR/dbt.log"
            """ + event("\"kind\":\"artifact\",\"name\":\"dbt.log\",\"file\":\"dbt.log\",\"bytes\":1") + "kill -9 $$").build();
        RunContext runContext = runContext(task);

        DbtRunException failure = failure(task, runContext);

        assertThat(failure).hasMessage(
            "The runner ended without reporting a result (exit code 137): it was killed, often for lack of memory.\nRunning at that time: model.shop.orders"
        );
        DbtOutput output = (DbtOutput) failure.getOutput();
        assertThat(output.getExitCode()).isEqualTo(137);
        assertThat(output.getArtifacts()).containsOnlyKeys("dbt.log");
        assertThat(output.getFailed()).containsExactly("model.shop.orders");
        assertThat(nodes(runContext)).singleElement().satisfies(node -> assertThat(node.getState().getCurrent()).isEqualTo(State.Type.FAILED));
        assertThat(log.of("orders")).containsExactly("ERROR The run ended while this node ran.");
    }

    @Test
    void shouldRefuseARunnerOfAnotherMajorVersion() throws Exception {
        Build task = task("printf '%s\\n' '::kestra-dbt::{\"version\":\"2.0\",\"kind\":\"ended\"}'").build();

        assertThat(failure(task, runContext(task))).hasMessageStartingWith("The runner speaks version 2.0");
    }

    /** What a runner does that is asked to stop. */
    private static final String STOPS = "while ! rm .kestra-dbt/request.stop 2>/dev/null; do sleep 0.05; done\n"
        + event("\"kind\":\"failure\",\"code\":\"killed\",\"sentence\":\"The run was stopped after 0 nodes.\"")
        + event("\"kind\":\"ended\",\"outcome\":\"failed\",\"exit_code\":130") + "exit 130\n";

    @Test
    void shouldLetTheRunnerStopByItselfWhenItIsKilled() throws Exception {
        Build task = task(started("orders") + "printf x > \"$OUTPUT_DIR/dbt.log\"\necho ready\n" + STOPS).build();
        RunContext runContext = runContext(task);

        Object end = interrupted(task, runContext, true);

        assertThat(end).asInstanceOf(InstanceOfAssertFactories.throwable(DbtRunException.class)).hasMessage("The run was stopped after 0 nodes.");
        DbtOutput output = (DbtOutput) ((DbtRunException) end).getOutput();
        assertThat(output.getExitCode()).isEqualTo(130);
        assertThat(output.getOutputFiles()).containsOnlyKeys("dbt.log");
        assertThat(nodes(runContext)).singleElement().satisfies(node -> assertThat(node.getState().getCurrent()).isEqualTo(State.Type.KILLED));
        assertThat(log.of("build")).contains("WARN The run was stopped after 0 nodes.").noneMatch(line -> line.startsWith("ERROR"));
    }

    @Test
    void shouldReturnWhatWasDoneWhenItsTimeIsOver() throws Exception {
        Build task = task(started("orders") + "echo ready\n" + STOPS).build();

        Object end = interrupted(task, runContext(task), false);

        assertThat(end).isInstanceOf(DbtOutput.class);
        assertThat(((DbtOutput) end).finalState()).contains(State.Type.FAILED);
    }

    @Test
    void shouldKillARunnerThatDoesNotStop() throws Exception {
        String deaf = "while ! rm .kestra-dbt/request.stop 2>/dev/null; do sleep 0.05; done\nexec sleep 50";
        Build task = task(started("orders") + "printf x > \"$OUTPUT_DIR/dbt.log\"\necho ready\n" + deaf)
            .killGrace(Property.ofValue(Duration.ofMillis(10))).build();
        RunContext runContext = runContext(task);

        Object end = interrupted(task, runContext, true);

        assertThat(end).asInstanceOf(InstanceOfAssertFactories.throwable(DbtRunException.class)).hasMessageStartingWith("The run was stopped before it could tell");
        assertThat(((DbtOutput) ((DbtRunException) end).getOutput()).getOutputFiles()).containsOnlyKeys("dbt.log");
        assertThat(nodes(runContext)).singleElement().satisfies(node -> assertThat(node.getState().getCurrent()).isEqualTo(State.Type.KILLED));
        assertThat(log.of("build")).contains("WARN The runner did not end within its grace: it is killed.");
    }

    /** Run the task, and interrupt it once it has said "ready"; return its output, or what it threw. */
    private Object interrupted(Build task, RunContext runContext, boolean kill) throws Exception {
        AtomicReference<Object> end = new AtomicReference<>();
        Thread worker = Thread.ofPlatform().start(() -> {
            Throwable thrown = catchThrowable(() -> end.set(task.run(runContext)));
            end.compareAndSet(null, thrown);
        });
        while (!log.of("build").contains("INFO ready")) {
            Thread.sleep(20);
        }
        if (kill) {
            task.kill();
        }
        worker.interrupt();
        worker.join();
        return end.get();
    }

    @Test
    void shouldTellInItsOwnLogOfNodesForWhichKestraHasNoRoom() throws Exception {
        Files.writeString(folder.resolve("events"), Samples.text("events.txt"));
        Build task = task("cat '" + folder + "/events'; exit 1").resultLimit(Property.ofValue(0)).build();
        RunContext runContext = runContext(task);

        DbtRunException failure = failure(task, runContext);

        assertThat(failure).hasMessageStartingWith("1 of 3 nodes failed");
        assertThat(nodes(runContext)).isEmpty();
        assertThat(log.of("build")).contains("INFO stg_orders: 1 of 3 START sql view model main.stg_orders")
            .anyMatch(line -> line.startsWith("WARN 3 of the nodes have no row in the Gantt"));
    }

    @Test
    void shouldReplaceTheFilesOfAnEarlierTaskInTheSameFolder() throws Exception {
        Build task = task("cp \"$3\" \"$OUTPUT_DIR/request.json\"\n" + ENDED).threads(Property.ofValue(2)).build();
        RunContext runContext = runContext(task);
        Path files = Files.createDirectories(runContext.workingDir().path().resolve(".kestra-dbt"));
        Files.writeString(files.resolve("request.json"), "x".repeat(100_000));
        Files.writeString(files.resolve("runner.pyz"), "old");

        DbtOutput output = task.run(runContext);

        assertThat(json(runContext, output, "request.json").at("/options/threads").asInt()).isEqualTo(2);
    }

    @Test
    void shouldFailBeforeStartingWhenSecretsAreTooLarge() throws Exception {
        Build task = task("echo started\n" + ENDED).profiles("x".repeat(100 * 1024)).build();
        RunContext runContext = runContext(task);

        assertThat(catchThrowable(() -> task.run(runContext))).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("96 KiB");
        assertThat(log.all()).noneMatch(line -> line.contains("started"));
    }

    private Build.BuildBuilder<?, ?> builder() {
        return Build.builder().id("build").type(Build.class.getName());
    }

    /** With a folder whose name a shell would take apart. */
    private Build.BuildBuilder<?, ?> task(String runner) throws IOException {
        return builder().pythonPath(FakeRunner.of(folder.resolve("it's $HOME"), runner));
    }

    private RunContext runContext(Build task) {
        return runContext(task, Map.of());
    }

    private RunContext runContext(Build task, Map<String, Object> inputs) {
        return TestsUtils.mockRunContext(runContextFactory, task, inputs);
    }

    private static DbtRunException failure(Build task, RunContext runContext) {
        return catchThrowableOfType(DbtRunException.class, () -> task.run(runContext));
    }

    private static List<TaskRun> nodes(RunContext runContext) {
        return runContext.dynamicWorkerResults().stream().map(WorkerTaskResult::getTaskRun).toList();
    }

    private static JsonNode json(RunContext runContext, DbtOutput output, String file) throws IOException {
        return JSON.readTree(content(runContext, output.getOutputFiles().get(file)));
    }

    private static String content(RunContext runContext, URI uri) throws IOException {
        try (var file = runContext.storage().getFile(uri)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
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
