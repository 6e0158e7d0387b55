package io.kestradbt.core;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.models.validations.ModelValidator;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.serializers.YamlParser;
import io.kestra.core.utils.TestsUtils;
import io.kestra.plugin.core.runner.Process;
import io.kestra.plugin.scripts.exec.scripts.models.DockerOptions;
import io.kestra.plugin.scripts.exec.scripts.models.RunnerType;
import io.kestra.plugin.scripts.runner.docker.Docker;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunSummary;
import io.kestradbt.bridge.TestSummary;
import io.kestradbt.core.dropin.DropIn;
import io.kestradbt.core.options.Engine;
import io.kestradbt.task.FakeRunner;
import io.kestradbt.task.LogRecorder;
import io.kestradbt.task.Rendering;
import jakarta.inject.Inject;

import static io.kestradbt.task.FakeRunner.ENDED;
import static io.kestradbt.task.FakeRunner.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Flows in the spelling of Kestra's own dbt plugin: what they mean. */
@KestraTest
@Timeout(60)
class DropInTest {
    private static final String FORMER_BUILD = "io.kestra.plugin.dbt.cli.Build";

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

    @Test
    void shouldTakeEveryPropertyOfEveryFormerType() throws Exception {
        Flow flow = YamlParser.parse(new String(DropInTest.class.getResourceAsStream("/flows/former-spelling.yaml").readAllBytes()), Flow.class);

        assertThat(validator.isValid(flow)).isEmpty();
        assertThat(flow.getTasks()).isNotEmpty().allSatisfy(task -> {
            assertThat(task.getType()).isEqualTo("io.kestra.plugin.dbt.cli." + task.getId());
            assertThat(task.getClass().getSimpleName()).isEqualTo(task.getId());
            // A worker gets the task as JSON: nothing of it may be lost.
            JsonNode sent = JacksonMapper.ofJson().valueToTree(task);
            assertThat(JacksonMapper.ofJson().<JsonNode> valueToTree(JacksonMapper.ofJson().treeToValue(sent, Task.class))).isEqualTo(sent);
        });
    }

    @Test
    void shouldRunInAContainerByTheFormerNameAlone() {
        assertThat(build(FORMER_BUILD).build().where()).isInstanceOfSatisfying(Docker.class, docker -> assertThat(docker.getEntryPoint()).isEmpty());
        assertThat(cli("io.kestra.plugin.dbt.cli.DbtCLI").build().where()).isInstanceOf(Docker.class);
        assertThat(build(Build.class.getName()).build().where()).isInstanceOf(Process.class);
        assertThat(cli(DbtCLI.class.getName()).build().where()).isInstanceOf(Process.class);
    }

    @Test
    void shouldTakeTheImageOfTheEngine() throws Exception {
        Rendering rendering = new Rendering(runContextFactory.of(Map.of()));

        assertThat(cli(DbtCLI.class.getName()).build().defaultImage(rendering)).isEqualTo("ghcr.io/kestra-io/dbt");
        assertThat(cli(DbtCLI.class.getName()).engine(Property.ofValue(Engine.FUSION)).build().defaultImage(rendering))
            .isEqualTo("ghcr.io/kestra-io/dbt-fusion");
    }

    @Test
    void shouldHonourOlderSpellingsOfTheTaskRunner() {
        DockerOptions options = DockerOptions.builder().image("dbt:1").build();

        assertThat(build(FORMER_BUILD).runner(RunnerType.PROCESS).build().where()).isInstanceOf(Process.class);
        assertThat(build(Build.class.getName()).runner(RunnerType.DOCKER).build().where()).isInstanceOf(Docker.class);
        assertImage(build(FORMER_BUILD).docker(options).build());
        assertImage(build(FORMER_BUILD).dockerOptions(options).build());
        assertImage(build(FORMER_BUILD).taskRunner(Docker.instance()).runner(RunnerType.DOCKER).docker(options).build());
        assertThat(build(FORMER_BUILD).taskRunner(Process.instance()).docker(options).build().where()).isInstanceOf(Process.class);
    }

    @Test
    void shouldRefuseSpellingsThatContradict() {
        DockerOptions options = DockerOptions.builder().image("dbt:1").build();

        assertThatThrownBy(build(FORMER_BUILD).taskRunner(Process.instance()).runner(RunnerType.DOCKER).build()::where)
            .hasMessage("`taskRunner` is io.kestra.plugin.core.runner.Process and `runner` is DOCKER: keep the one that is meant, as `taskRunner`.");
        assertThatThrownBy(build(FORMER_BUILD).docker(options).dockerOptions(options).build()::where)
            .hasMessage("`dockerOptions` is an older spelling of `docker`, and both are set: keep `docker`.");
        assertThatThrownBy(() -> request(build(FORMER_BUILD).thread(Property.ofValue(2)).threads(Property.ofValue(3)).build()))
            .hasMessage("`thread` is an older spelling of `threads`, and both are set: keep `threads`.");
        assertThatThrownBy(() -> notices(cli(DbtCLI.class.getName()).targetOS(Property.ofValue(TargetOS.WINDOWS)).build()))
            .hasMessage("`targetOS` is WINDOWS, and dbt is run by a POSIX shell: use a task runner with Linux or macOS.");
    }

    @Test
    void shouldMapOlderSpellingsOntoOptions() throws Exception {
        Build former = build(FORMER_BUILD).thread(Property.ofValue(3)).projectDir(Property.ofValue("/shop")).build();
        Build ours = build(Build.class.getName()).thread(Property.ofExpression("{{ 2 + 1 }}")).projectDir(Property.ofValue("/shop")).build();

        assertThat(request(former).options()).containsEntry("threads", 3).containsEntry("project_dir", "./shop");
        assertThat(request(ours).options()).containsEntry("threads", 3).containsEntry("project_dir", "/shop");
    }

    @Test
    void shouldSayWhatHasNoMeaning() throws Exception {
        Deps deps = Deps.builder().type("io.kestra.plugin.dbt.cli.Deps").thread(Property.ofValue(1)).fullRefresh(Property.ofValue(true))
            .failFast(Property.ofValue(false)).select(Property.ofValue(List.of("orders"))).exclude(Property.ofValue(List.of())).build();

        assertThat(notices(deps)).containsExactly(
            "`thread` has no meaning for `dbt deps`, and is passed over.",
            "`fullRefresh` has no meaning for `dbt deps`, and is passed over.",
            "`select` has no meaning for `dbt deps`, and is passed over."
        );
        assertThat(request(deps).options()).isEmpty();
        assertThat(notices(cli(DbtCLI.class.getName()).logFormat(Property.ofValue(DbtCLI.LogFormat.TEXT)).warningOnStdErr(Property.ofValue(true)).build()))
            .containsExactly(
                "`warningOnStdErr` has no meaning any more: lines on standard error make no warning.",
                "`logFormat` has no meaning any more: dbt's lines come into the log as they are."
            );
        assertThat(notices(cli(DbtCLI.class.getName()).logFormat(Property.ofValue(DbtCLI.LogFormat.JSON)).build())).isEmpty();
    }

    @Test
    void shouldFindWhatSetupHasLeftInTheWorkingDirectory() throws Exception {
        Build former = build(FORMER_BUILD).id("build").runner(RunnerType.PROCESS).pythonPath(Property.ofValue("python3")).build();
        RunContext runContext = TestsUtils.mockRunContext(runContextFactory, former, Map.of());
        Path bin = Files.createDirectories(runContext.workingDir().path().resolve("bin"));
        Files.createDirectories(runContext.workingDir().path().resolve(".profile"));
        Files.writeString(runContext.workingDir().path().resolve(".profile/profiles.yml"), "shop: {}");
        FakeRunner.of(folder, "echo \"profiles in $DBT_PROFILES_DIR\"\n" + ENDED);
        Files.move(folder.resolve("fake python"), bin.resolve("python3"));

        former.run(runContext);

        assertThat(log.of("build")).contains("INFO profiles in " + runContext.workingDir().path() + "/.profile");
    }

    @Test
    void shouldGiveOutputsUnderTheFormerNames() throws Exception {
        String body = node("model.shop.a", "model", "success", "success", 1.5) + node("model.shop.b", "model", "skipped", "skipped", null)
            + node("model.shop.c", "model", "failed", "error", 0.5) + node("model.shop.c", "model", "success", "success", 0.7)
            + node("operation.shop.on-run-end-0", "operation", "success", "success", 9.0)
            + node("test.shop.t", "test", "warning", "warn", 0.1) + node("unit_test.shop.u", "unit_test", "success", "pass", 0.2)
            + artifact("manifest.json") + artifact("run_results.json") + artifact("catalog.json")
            + "echo '::{\"outputs\": {\"answer\": 42}}::'\n" + ENDED;

        DbtOutput former = run(build(FORMER_BUILD).runner(RunnerType.PROCESS), body);
        assertThat(former.getOutputFiles()).containsOnlyKeys("manifest.json", "run_results.json");
        assertThat(former.getOutputFiles()).extractingByKey("manifest.json").isEqualTo(former.getArtifacts().get("manifest.json"));
        assertThat(former.getVars()).containsEntry("answer", 42);
        assertThat(former.getRunSummary()).isEqualTo(
            new RunSummary(3, 2, 0, 0, 1, 0, List.of(new RunSummary.SlowNode("model.shop.a", 1.5), new RunSummary.SlowNode("model.shop.c", 0.7)))
        );
        assertThat(former.getTestSummary()).isEqualTo(new TestSummary(2, 1, 0, 1, 0, 0));

        DbtOutput unparsed = run(build(FORMER_BUILD).runner(RunnerType.PROCESS).parseRunResults(Property.ofValue(false)), body);
        assertThat(unparsed.getOutputFiles()).containsOnlyKeys("manifest.json");
        assertThat(unparsed.getRunSummary()).isNull();
        assertThat(unparsed.getTestSummary()).isNull();

        DbtOutput ours = run(build(Build.class.getName()), body);
        assertThat(ours.getOutputFiles()).isEmpty();
        assertThat(ours.getRunSummary()).isNull();
    }

    private DbtOutput run(Build.BuildBuilder<?, ?> task, String body) throws Exception {
        Build build = task.id("build").pythonPath(FakeRunner.of(folder, body)).build();
        return build.run(TestsUtils.mockRunContext(runContextFactory, build, Map.of()));
    }

    private static String node(String uniqueId, String type, String outcome, String status, Double seconds) {
        String at = "\"2026-01-15T10:20:04Z\"";
        return event(
            "\"kind\":\"node_finished\",\"invocation\":1,\"unique_id\":\"%s\",\"label\":\"n\",\"resource_type\":\"%s\",\"outcome\":\"%s\",\"status\":\"%s\",\"execution_s\":%s,\"queued_at\":%s,\"started_at\":%s,\"finished_at\":%s"
                .formatted(uniqueId, type, outcome, status, seconds, at, at, at)
        );
    }

    private static String artifact(String name) {
        return "printf '{}' > \"$OUTPUT_DIR/" + name + "\"\n"
            + event("\"kind\":\"artifact\",\"name\":\"" + name + "\",\"file\":\"" + name + "\",\"bytes\":2");
    }

    private static Build.BuildBuilder<?, ?> build(String type) {
        return Build.builder().id("build").type(type);
    }

    private static DbtCLI.DbtCLIBuilder<?, ?> cli(String type) {
        return DbtCLI.builder().id("cli").type(type).commands(Property.ofValue(List.of("dbt build")));
    }

    private static void assertImage(AbstractDbt task) {
        assertThat(((DropIn) task).byFormerName()).isTrue();
        assertThat(task.where()).isInstanceOfSatisfying(Docker.class, docker -> assertThat(docker.getImage()).isEqualTo("dbt:1"));
    }

    private Request.DbtCommand request(AbstractDbt task) throws Exception {
        return (Request.DbtCommand) task.request(new Rendering(runContextFactory.of(Map.of())));
    }

    private List<String> notices(AbstractDropInCommand task) throws Exception {
        return task.notices(new Rendering(runContextFactory.of(Map.of())));
    }

    private List<String> notices(DbtCLI task) throws Exception {
        return task.notices(new Rendering(runContextFactory.of(Map.of())));
    }
}
