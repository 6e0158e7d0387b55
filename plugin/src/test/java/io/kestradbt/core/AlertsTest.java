package io.kestradbt.core;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.LogLevel;
import io.kestradbt.bridge.Outcome;
import io.kestradbt.core.dropin.AlertWebhook;
import io.kestradbt.task.LogRecorder;
import io.kestradbt.task.Rendering;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@KestraTest
@Timeout(60)
class AlertsTest {
    private static final Instant AT = Instant.parse("2026-01-15T10:20:04Z");

    private final List<JsonNode> received = new CopyOnWriteArrayList<>();

    @Inject
    private RunContextFactory runContextFactory;

    private HttpServer server;

    @BeforeEach
    void listen() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/hook", exchange -> {
            received.add(new ObjectMapper().readTree(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void shouldTellOfEachWarningAndErrorOnce() throws Exception {
        try (Alerts alerts = alerts(hook(AlertWebhook.Level.WARN))) {
            alerts.accept(log(LogLevel.INFO, "1 of 3 START", null));
            alerts.accept(log(LogLevel.WARN, "Deprecated", null));
            alerts.accept(log(LogLevel.WARN, "Deprecated", null));
            alerts.accept(node("model.shop.a", Outcome.FAILED, "no such table"));
            alerts.accept(log(LogLevel.ERROR, "Failure in model a", "model.shop.a"));
            alerts.accept(node("model.shop.b", Outcome.SUCCESS, "OK"));
        }

        assertThat(received).hasSize(2);
        assertThat(received.get(0).path("text").asText()).isEqualTo("warn: Deprecated");
        JsonNode error = received.get(1);
        assertThat(error.path("text").asText()).isEqualTo("error model.shop.a: no such table");
        assertThat(error.path("level").asText()).isEqualTo("error");
        assertThat(error.path("node").asText()).isEqualTo("model.shop.a");
        assertThat(error.path("ts").asText()).isEqualTo(AT.toString());
        assertThat(error.path("taskId").asText()).isEqualTo("cli");
        assertThat(error.path("executionId").asText()).isNotBlank();
    }

    @Test
    void shouldKeepToTheLevelAndToSoMany() throws Exception {
        try (Alerts alerts = alerts(hook(AlertWebhook.Level.ERROR))) {
            alerts.accept(log(LogLevel.WARN, "Deprecated", null));
            for (int i = 0; i < Alerts.MOST + 3; i++) {
                alerts.accept(node("model.shop.m" + i, Outcome.FAILED, "no"));
            }
        }

        assertThat(received).hasSize(Alerts.MOST + 1);
        assertThat(received.getLast().path("text").asText()).isEqualTo("3 more warnings and errors of dbt");
    }

    @Test
    void shouldNotMindAnAddressThatDoesNotAnswer() throws Exception {
        server.stop(0);
        try (LogRecorder log = new LogRecorder(); Alerts alerts = alerts(hook(AlertWebhook.Level.WARN))) {
            alerts.accept(log(LogLevel.WARN, "Deprecated", null));
            alerts.close();
            assertThat(log.of("cli")).singleElement().asString().startsWith("DEBUG An alert did not arrive: ").doesNotContain("hook");
        }
    }

    @Test
    void shouldNotShowAnAddressThatIsNone() {
        AlertWebhook webhook = AlertWebhook.builder().url(Property.ofValue("hunter2 secret")).build();

        assertThatThrownBy(() -> alerts(webhook)).hasMessage("`alertWebhook.url` is no http or https address.").hasNoCause();
        assertThat(webhook.toString()).doesNotContain("hunter2");
    }

    private Alerts alerts(AlertWebhook webhook) throws Exception {
        DbtCLI task = DbtCLI.builder().id("cli").type(DbtCLI.class.getName()).commands(Property.ofValue(List.of("dbt build"))).build();
        RunContext runContext = TestsUtils.mockRunContext(runContextFactory, task, Map.of());
        return new Alerts(runContext, new Rendering(runContext), webhook);
    }

    private AlertWebhook hook(AlertWebhook.Level level) {
        return AlertWebhook.builder().url(Property.ofValue("http://localhost:" + server.getAddress().getPort() + "/hook")).level(Property.ofValue(level)).build();
    }

    private static Event log(LogLevel level, String message, String uniqueId) {
        return new Event.Log(1, level, AT, message, uniqueId);
    }

    private static Event node(String uniqueId, Outcome outcome, String message) {
        return new Event.NodeFinished(
            1, uniqueId, "n", "model", null, null, null, outcome, "error", message, null, null, AT, AT, null, AT, null, null, null, null
        );
    }
}
