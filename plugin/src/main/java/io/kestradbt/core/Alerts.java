package io.kestradbt.core;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.http.HttpRequest;
import io.kestra.core.http.client.HttpClient;
import io.kestra.core.http.client.HttpClientException;
import io.kestra.core.http.client.configurations.HttpConfiguration;
import io.kestra.core.http.client.configurations.TimeoutConfiguration;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.LogLevel;
import io.kestradbt.core.dropin.AlertWebhook;
import io.kestradbt.task.Rendering;

/**
 * Tells a webhook of warnings and errors as they happen, each node and each message once, and some of them at most. It is a courtesy: an
 * address that is slow or does not answer neither holds the run up nor makes it fail.
 */
final class Alerts implements Consumer<Event>, AutoCloseable {
    /** More than this nobody reads. */
    static final int MOST = 20;

    private static final Duration HTTP_LIMIT = Duration.ofSeconds(5);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

    private final RunContext runContext;
    private final URI url;
    private final AlertWebhook.Level least;
    private final Map<String, String> origin;
    private final ExecutorService sender = Executors.newSingleThreadExecutor(Thread.ofVirtual().name("kestra-dbt-alerts").factory());
    private final Set<String> told = new HashSet<>();
    private int suppressed;

    /** @throws IllegalArgumentException if the address is none */
    Alerts(RunContext runContext, Rendering rendering, AlertWebhook webhook) throws IllegalVariableEvaluationException {
        this.runContext = runContext;
        this.url = address(rendering.text(webhook.getUrl()).orElse(""));
        this.least = rendering.constant("alertWebhook.level", webhook.getLevel(), AlertWebhook.Level.class).orElse(AlertWebhook.Level.WARN);
        this.origin = Map.of(
            "namespace", runContext.render("{{ flow.namespace }}"), "flowId", runContext.render("{{ flow.id }}"),
            "executionId", runContext.render("{{ execution.id }}"), "taskId", runContext.render("{{ task.id }}")
        );
    }

    /** Not thread-safe: events come one at a time. */
    @Override
    public void accept(Event event) {
        switch (event) {
            case Event.Log line when line.level() == LogLevel.WARN -> alert(AlertWebhook.Level.WARN, line.uniqueId(), line.message(), line.at());
            case Event.Log line when line.level() == LogLevel.ERROR -> alert(AlertWebhook.Level.ERROR, line.uniqueId(), line.message(), line.at());
            case Event.NodeFinished node -> {
                switch (node.outcome()) {
                    case WARNING -> alert(AlertWebhook.Level.WARN, node.uniqueId(), node.message(), node.finishedAt());
                    case FAILED -> alert(AlertWebhook.Level.ERROR, node.uniqueId(), node.message(), node.finishedAt());
                    case SUCCESS, SKIPPED -> { }
                }
            }
            default -> { }
        }
    }

    /** Tell how many were kept back, and wait a little for what is under way. */
    @Override
    public void close() {
        if (suppressed > 0) {
            sender.execute(() -> send(Map.of("text", suppressed + " more warnings and errors of dbt", "level", name(least))));
        }
        sender.shutdown();
        try {
            sender.awaitTermination(CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        sender.shutdownNow();
    }

    private void alert(AlertWebhook.Level level, String node, String message, Instant at) {
        if (level.compareTo(least) < 0 || !told.add(level + ":" + (node == null ? message : node))) {
            return;
        }
        if (told.size() > MOST) {
            suppressed++;
            return;
        }
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("text", "%s%s: %s".formatted(name(level), node == null ? "" : " " + node, message));
        body.put("level", name(level));
        body.put("node", node);
        body.put("msg", message);
        body.put("ts", at == null ? null : at.toString());
        body.values().removeIf(Objects::isNull);
        body.putAll(origin);
        sender.execute(() -> send(body));
    }

    private void send(Map<String, Object> body) {
        TimeoutConfiguration limits = TimeoutConfiguration.builder()
            .connectTimeout(Property.ofValue(HTTP_LIMIT))
            .readIdleTimeout(Property.ofValue(HTTP_LIMIT))
            .build();
        try (HttpClient client = new HttpClient(runContext, HttpConfiguration.builder().timeout(limits).build())) {
            client.request(HttpRequest.builder().uri(url).method("POST").body(HttpRequest.JsonRequestBody.of(body)).build(), response -> { });
        } catch (HttpClientException | IllegalVariableEvaluationException | IOException | RuntimeException e) {
            // Not its message: that may show the address.
            runContext.logger().debug("An alert did not arrive: {}", e.getClass().getSimpleName());
        }
    }

    private static String name(AlertWebhook.Level level) {
        return level.name().toLowerCase(Locale.ROOT);
    }

    private static URI address(String url) {
        try {
            URI address = URI.create(url.strip());
            if ("http".equals(address.getScheme()) || "https".equals(address.getScheme())) {
                return address;
            }
        } catch (IllegalArgumentException e) {
            // told below, without the address
        }
        throw new IllegalArgumentException("`alertWebhook.url` is no http or https address.");
    }
}
