package io.kestradbt.bridge;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.ObjectMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

class ProtocolTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void shouldKnowEverySampleOfTheContract() throws IOException {
        assertThat(Samples.all().stream().map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(
            "dbt_command.json", "shell_script.json", "set_up.json", "graph_node.json", "graph_collect.json", "graph_flow.json", "platform_trigger.json", "platform_follow.json", "platform_retry.json",
            "platform_cancel.json", "platform_artifacts.json", "platform_jobs.json", "platform_runs.json", "secrets.json", "commands.json", "events.txt", "plain.txt",
            "unknown_kind.txt", "unknown_field.txt", "other_major.txt"
        );
    }

    @Test
    void shouldReadEverySampleEvent() throws IOException {
        List<Event> events = Samples.lines("events.txt").stream().map(line -> Protocol.decode(line).orElseThrow()).toList();

        assertThat(events).containsExactly(
            new Event.InvocationStarted(1, "build", at("10:20:02.982824"), "1.11.16", "/project/logs"),
            new Event.ProjectLoaded(1, "shop", "dev", "duckdb", "/project/target"),
            new Event.Log(1, LogLevel.INFO, at("10:20:03.982824"), "Found 4 models, 2 data tests", null),
            new Event.NodeStarted(1, "model.shop.stg_orders", "stg_orders", "model", null, 1, 3, at("10:20:04.982824")),
            new Event.Log(1, LogLevel.INFO, at("10:20:04.982824"), "1 of 3 START sql view model main.stg_orders", "model.shop.stg_orders"),
            new Event.NodeFinished(
                1, "model.shop.stg_orders", "stg_orders", "model", null, 1, 3, Outcome.SUCCESS, "success", "OK", 42L, null,
                at("10:20:04.482824"), at("10:20:04.982824"), at("10:20:05.232824"), at("10:20:05.982824"), 0.98,
                "Thread-1 (worker)", "\"shop\".\"main\".\"stg_orders\"", "models/staging/stg_orders.sql"
            ),
            new Event.Lineage(
                1, "model.shop.stg_orders", "model", new Event.Relation("shop", "main", "stg_orders"),
                List.of(new Event.Relation(null, "raw", "orders 2026"))
            ),
            new Event.NodeFinished(
                1, "test.shop.not_null_stg_orders_order_id.81cfe2fe64", "not_null.order_id", "test", "model.shop.stg_orders", 2, 3,
                Outcome.FAILED, "fail", "Got 2 results, configured to fail if != 0 — naïve “quotes” 日本", null, 2L,
                at("10:20:05.982824"), at("10:20:06.082824"), null, at("10:20:06.482824"), 0.4,
                "Thread-2 (worker)", null, "models/staging/schema.yml"
            ),
            new Event.NodeFinished(
                1, "model.shop.orders", "orders", "model", null, 3, 3, Outcome.SKIPPED, "skipped", null, null, null,
                at("10:20:06.482824"), at("10:20:06.482824"), null, at("10:20:06.482824"), null, null, null, "models/marts/orders.sql"
            ),
            new Event.InvocationFinished(1, 1, at("10:20:06.982824")),
            new Event.Artifact("run_results.json", "run_results.json", 5120, null),
            new Event.Metric("counter", "nodes", 1.0, Map.of("outcome", "failed")),
            new Event.Metric("timer", "duration", 4.2, Map.of()),
            new Event.Link("run", "https://ab123.us1.dbt.com/deploy/12345/projects/55/runs/70471831584850/"),
            new Event.PlatformRun(70471831584850L, "error", true, Map.of("job_name", "nightly build", "git_branch", "main", "run_duration_s", 32)),
            new Event.Promotion("shop", "prod", "main", "model.shop.orders failed or did not run"),
            new Event.FlowWritten("company.sales", "shop", 12, "updated"),
            new Event.Failure("nodes", "1 of 3 nodes failed: test not_null.order_id.", "test.shop.not_null_stg_orders_order_id.81cfe2fe64: Got 2 results"),
            new Event.Ended(Outcome.FAILED, 1, null, new Summary(3, 1, 0, 1, 1, 42, 1, 4.2))
        );
    }

    @Test
    void shouldLeavePlainLinesAlone() throws IOException {
        assertThat(Samples.lines("plain.txt")).allSatisfy(line -> assertThat(Protocol.decode(line)).isEmpty());
    }

    @Test
    void shouldSkipKindsOfANewerMinor() throws IOException {
        assertThat(Protocol.decode(Samples.lines("unknown_kind.txt").getFirst())).contains(new Event.Unknown("forecast"));
    }

    @Test
    void shouldIgnoreFieldsOfANewerMinor() throws IOException {
        assertThat(Protocol.decode(Samples.lines("unknown_field.txt").getFirst())).contains(new Event.Metric("counter", "rows", 3.0, Map.of()));
    }

    @Test
    void shouldRefuseAnotherMajorAndSayWhatToDo() throws IOException {
        String line = Samples.lines("other_major.txt").getFirst();

        assertThatThrownBy(() -> Protocol.decode(line))
            .isInstanceOf(ContractException.class)
            .hasMessageStartingWith("The runner speaks version 2.0 of the contract and this plugin 1.0: ")
            .hasMessageContaining("remove the other kestra-dbt package");
    }

    @Test
    void shouldSayWhichEventCannotBeRead() {
        assertThatThrownBy(() -> Protocol.decode("::kestra-dbt::{\"version\":\"1.0\",\"kind\":\"metric\",\"val"))
            .isInstanceOf(ContractException.class)
            .hasMessageContaining("could not be read")
            .hasMessageContaining("\"kind\":\"metric\"");
    }

    @Test
    void shouldWriteADbtCommandAsTheRunnerReadsIt() throws IOException {
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("project_dir", "shop");
        options.put("target", "dev");
        options.put("select", List.of("stg_orders+", "tag:nightly"));
        options.put("exclude", List.of("raw_*"));
        options.put("threads", 4);
        options.put("full_refresh", true);
        options.put("fail_fast", false);
        Request request = new Request.DbtCommand(
            List.of("build"), options, List.of("--no-version-check"), "FUSION", List.of("dbt-core>=1.10,<1.12", "dbt-duckdb"), false, true,
            new Request.Judgement("fail", "all"), new Request.RetryNodes(null, 0.5, List.of()), List.of(".kestra-dbt/state"), new Request.Resume("Attempt 1 of execution 5x", List.of(".kestra-dbt/resume/1.json")), true,
            new Request.OwnState("shop", "prod", "main")
        );

        assertThat(JSON.readTree(Protocol.encode(request))).isEqualTo(JSON.readTree(Samples.text("dbt_command.json")));
    }

    @Test
    void shouldWriteAShellScriptAsTheRunnerReadsIt() throws IOException {
        Request request = new Request.ShellScript(
            List.of("/bin/bash", "-c"), "shop", null, List.of(), false, new Request.Judgement(null, "deprecations")
        );

        assertThat(JSON.readTree(Protocol.encode(request))).isEqualTo(JSON.readTree(Samples.text("shell_script.json")));
    }

    static Stream<Arguments> requests() {
        PlatformRequest.Account account = new PlatformRequest.Account(null, 12345, List.of(), false);
        PlatformRequest.Job job = new PlatformRequest.Job(901L, null, null, null);
        Map<String, Object> overrides = Map.of(
            "git_branch", "main", "threads_override", 8, "generate_docs_override", false, "steps_override", List.of("dbt build --select state:modified+")
        );
        return Stream.of(
            arguments("set_up", new Request.SetUp(List.of("dbt-duckdb"), true)),
            arguments("graph_node", new GraphRequest.Node(
                ".kestra-dbt/pack.zip", List.of("model.shop.stg_orders", "test.shop.unique_stg_orders_order_id.e3b841c71a"),
                Map.of("threads", 2, "full_refresh", true), List.of("--no-version-check"), "CORE", List.of("dbt-duckdb"), true, new Request.Judgement("fail", null)
            )),
            arguments("graph_collect", new GraphRequest.Collect(
                ".kestra-dbt/pack.zip",
                List.of(new GraphRequest.Part("stg_orders", List.of(".kestra-dbt/results/1-run_results.json")), new GraphRequest.Part("orders", List.of())),
                List.of("model.shop.stg_orders", "model.shop.orders"), List.of("model.shop.slow"), true, "CORE", List.of("dbt-duckdb"), true, new Request.Judgement(null, "none")
            )),
            arguments("graph_flow", new GraphRequest.Flow(
                "target/manifest.json", Map.of("project_dir", "shop", "select", List.of("+fct_orders")), List.of("--no-partial-parse"),
                Map.of(
                    "flow_id", "sales", "namespace", "company.sales", "concurrent", 2, "granularity", "layer", "tests", "end", "freshness_gates", true,
                    "exposures", true, "docs_url", "https://docs.example.com", "settings", Map.of("node", Map.of("profiles", "{{ render(vars.profiles) }}"))
                ),
                "kestra.yaml", "https://kestra.example.com", "sales", "CORE", List.of("dbt-duckdb"), true, new Request.Judgement(null, "deprecations")
            )),
            arguments("platform_trigger", new PlatformRequest.Trigger(
                new PlatformRequest.Account("ab123.us1.dbt.com", 12345, List.of("truststore"), true),
                new PlatformRequest.Job(null, "nightly build", "shop", "Prod"), "Every morning", overrides, "kestra-6ea3d1c0f2b74f0a",
                "https://kestra.example.com/ui/main/executions/company.team/nightly/5yPzW", List.of(70471831584850L), "restart", true,
                new PlatformRequest.Following(5.0, 3600.0, "leave", true, false)
            )),
            arguments(
                "platform_follow",
                new PlatformRequest.Follow(account, null, null, 70471831584850L, false, new PlatformRequest.Following(null, null, "cancel", false, true))
            ),
            arguments("platform_retry", new PlatformRequest.Retry(
                account, 70471831584850L, List.of(70471831584851L), false, new PlatformRequest.Following(5.0, null, null, false, false)
            )),
            arguments("platform_cancel", new PlatformRequest.Cancel(account, 70471831584850L, true, null)),
            arguments("platform_artifacts", new PlatformRequest.Artifacts(account, null, job, "dbt build", List.of("compiled/**/*.sql"))),
            arguments("platform_jobs", new PlatformRequest.Jobs(account, "shop", "77", "night", 10)),
            arguments("platform_runs", new PlatformRequest.Runs(account, job, null, null, List.of("error", "cancelled"), "2026-01-15T10:20:02Z", 10))
        );
    }

    @ParameterizedTest
    @MethodSource("requests")
    void shouldWriteARequestAsTheRunnerReadsIt(String sample, Request request) throws IOException {
        assertThat(JSON.readTree(Protocol.encode(request))).isEqualTo(JSON.readTree(Samples.text(sample + ".json")));
    }

    @Test
    void shouldWriteSecretsAsTheRunnerReadsThem() throws IOException {
        Secrets secrets = new Secrets("shop:\n  target: dev\n", Map.of("start", "2026-01-01", "limit", 10), Map.of("days", 30), "dbt build | tee log\n", "dbtu_example_not_real", new Secrets.Login("a-token-not-real", "me@example.com", "not-real"));

        String json = new String(Base64.getDecoder().decode(secrets.toEnvironment()), StandardCharsets.UTF_8);

        assertThat(JSON.readTree(json)).isEqualTo(JSON.readTree(Samples.text("secrets.json")));
    }

    @Test
    void shouldRefuseSecretsThatDoNotFitTheEnvironment() {
        Secrets secrets = new Secrets("x".repeat(80 * 1024), Map.of(), Map.of(), null);

        assertThatThrownBy(secrets::toEnvironment)
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("107 KiB")
            .hasMessageContaining("96 KiB")
            .hasMessageContaining("`inputFiles`");
    }

    @Test
    void shouldNotPrintSecrets() {
        assertThat(new Secrets("password: hunter2", Map.of("token", "hunter2"), Map.of("token", "hunter2"), "echo hunter2", "hunter2", new Secrets.Login("hunter2", "me", "hunter2")).toString()).doesNotContain("hunter2");
    }

    private static Instant at(String time) {
        return Instant.parse("2026-01-15T" + time + "Z");
    }

}
