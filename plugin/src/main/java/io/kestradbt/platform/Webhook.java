package io.kestradbt.platform;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

import org.slf4j.Logger;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.http.HttpRequest;
import io.kestra.core.http.HttpResponse;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.plugin.core.trigger.WebhookContext;
import io.kestradbt.state.SeenEvents;
import io.kestradbt.state.TriggerMemory;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;
import reactor.core.publisher.Mono;

/** Starts an execution when the dbt platform says that something happened to a run. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Start a flow by a webhook of the dbt platform",
    description = """
        Kestra's webhook trigger, for what the dbt platform sends: the signature of each request is verified over the bytes as they came, and an event
        that was taken already starts nothing again. Subscribe with the address of the webhook,
        `.../api/v1/main/executions/webhook/NAMESPACE/FLOW/KEY`, and give the secret that the platform then shows, once, to `secret`.

        The flow reads `trigger.body`: `event`, `eventId`, `at`, `runId`, `status` (`running`, `success`, `error`), `statusMessage`, `jobId`, `jobName`, `projectId`,
        `projectName`, `environmentId`, `environmentName`, `dbtVersion`, `reason`, `startedAt`, `finishedAt`, `accountId` and `webhook`; what the platform left out is
        not there.

        Answers: 401 to a request that is not signed with the secret, or if there is no secret; 400 to one that is no event; 204 to an event that was
        taken before, or is not among those wanted. A test event of the platform is about a job that does not exist: with `jobs` or `environments` it is answered
        so, too."""
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Bring the artifacts of each run of a job that has failed.",
            code = """
                id: dbt_platform_webhook
                namespace: company.team

                tasks:
                  - id: artifacts
                    type: io.kestradbt.platform.CheckRun
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    runId: "{{ trigger.body.runId }}"

                triggers:
                  - id: dbt
                    type: io.kestradbt.platform.Webhook
                    key: 4wjtkzwVGBM9yKnjm3yv8r
                    secret: "{{ secret('DBT_WEBHOOK_SECRET') }}"
                    events:
                      - COMPLETED
                    jobs:
                      - "67890"
                    statuses:
                      - ERROR
                """
        )
    }
)
public class Webhook extends io.kestra.plugin.core.trigger.Webhook {
    private static final String SIGNATURE = "Authorization";

    /** Events for which something is being started in this JVM. */
    private static final Set<String> IN_HAND = ConcurrentHashMap.newKeySet();

    /** What happened. A failed run is told of twice: at once, and as completed when its artifacts are there. */
    public enum EventType {
        STARTED, COMPLETED, ERRORED
    }

    @Schema(
        title = "Secret of the subscription",
        description = "What the platform shows once when the subscription is made, best as `{{ secret('DBT_WEBHOOK_SECRET') }}`. If it is blank, every request is refused."
    )
    @PluginProperty(group = "connection", secret = true)
    @NotNull
    @ToString.Exclude
    private Property<String> secret;

    @Schema(
        title = "Events",
        description = """
            - `STARTED`: a run has begun.
            - `COMPLETED`: it has ended, well or not, and its artifacts are there.
            - `ERRORED`: it has failed; its artifacts may not be there yet, and `COMPLETED` follows.

            Unset: all that the subscription sends."""
    )
    @PluginProperty(group = "main")
    private Property<List<EventType>> events;

    @Schema(title = "Jobs", description = "Only runs of these: ids or whole names. Unset: all that the subscription sends.")
    @PluginProperty(group = "main")
    private Property<List<String>> jobs;

    @Schema(title = "Environments", description = "Only runs in these: ids or whole names. Unset: all.")
    @PluginProperty(group = "main")
    private Property<List<String>> environments;

    @Schema(title = "Statuses", description = "Only runs that are in one of these: `RUNNING`, `SUCCESS`, `ERROR`. Unset: all.")
    @PluginProperty(group = "main")
    private Property<List<RunStatus>> statuses;

    @Override
    public Mono<HttpResponse<?>> evaluate(WebhookContext context) throws Exception {
        RunContext runContext = context.webhookService().runContext(context.flow(), this);
        Rendering rendering = new Rendering(runContext);
        Optional<byte[]> body = bytes(context.request().getBody());
        String key = rendering.text(secret).map(String::strip).orElse("");
        if (key.isEmpty() || body.isEmpty() || !WebhookSignature.isRight(signature(context.request()), key, body.get())) {
            runContext.logger().warn("A request to the webhook of the trigger {} is refused: {}.", getId(), key.isEmpty() ? "`secret` is empty" : "it is not signed with `secret`");
            return answer(HttpResponse.Status.UNAUTHORIZED);
        }
        Optional<WebhookEvent> event = WebhookEvent.of(new String(body.get(), StandardCharsets.UTF_8));
        if (event.isEmpty()) {
            return answer(HttpResponse.Status.BAD_REQUEST);
        }
        if (!isWanted(event.get(), rendering)) {
            return answer(HttpResponse.Status.NO_CONTENT);
        }
        return once(context, event.get(), memory(runContext), runContext.logger());
    }

    /** What it remembers. */
    protected TriggerMemory memory(RunContext runContext) {
        return TriggerMemory.of(runContext, "dbt-events", getId());
    }

    /** Start the execution, as Kestra's own trigger does. */
    protected Mono<HttpResponse<?>> start(WebhookContext context) throws Exception {
        return super.evaluate(context);
    }

    /** Start one for an event that was not taken yet. It is taken only when that has begun: else the platform is to send it again. */
    private Mono<HttpResponse<?>> once(WebhookContext context, WebhookEvent event, TriggerMemory memory, Logger logger) throws Exception {
        String inHand = memory.key() + " " + event.eventId();
        if (!IN_HAND.add(inHand)) {
            return answer(HttpResponse.Status.SERVICE_UNAVAILABLE); // sent again meanwhile: how the first one ends is not known yet
        }
        try {
            if (seen(memory, logger).has(event.eventId())) {
                IN_HAND.remove(inHand);
                return answer(HttpResponse.Status.NO_CONTENT);
            }
            return start(with(context, event)).doOnNext(response -> {
                if (response.getStatus().getCode() < HttpResponse.Status.MULTIPLE_CHOICES.getCode()) {
                    remember(memory, event.eventId(), logger);
                }
            }).doFinally(end -> IN_HAND.remove(inHand));
        } catch (Exception e) {
            IN_HAND.remove(inHand);
            throw e;
        }
    }

    private static SeenEvents seen(TriggerMemory memory, Logger logger) throws InterruptedException {
        try {
            return memory.read(SeenEvents.class).orElseGet(() -> new SeenEvents(List.of()));
        } catch (IOException | RuntimeException e) {
            // Rather twice than not at all.
            logger.warn("Which events were taken could not be read from the entry {} of the KV store: {}", memory.key(), e.toString());
            return new SeenEvents(List.of());
        }
    }

    private static void remember(TriggerMemory memory, String eventId, Logger logger) {
        try {
            memory.write("Events of the dbt platform that a webhook has taken", seen(memory, logger).with(eventId));
        } catch (IOException | RuntimeException e) {
            logger.warn("That an event was taken could not be written to the entry {} of the KV store: {}", memory.key(), e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isWanted(WebhookEvent event, Rendering rendering) throws IllegalVariableEvaluationException {
        List<String> types = rendering.constants("events", events, EventType.class).stream().map(type -> "job.run." + type).toList();
        List<String> states = rendering.constants("statuses", statuses, RunStatus.class);
        return isAmong(types, event.event()) && isAmong(states, event.status())
            && isAmong(rendering.list("jobs", jobs), event.jobId(), event.jobName())
            && isAmong(rendering.list("environments", environments), event.environmentId(), event.environmentName());
    }

    private static boolean isAmong(List<String> wanted, Object... names) {
        return wanted.isEmpty() || Arrays.stream(names).anyMatch(name -> wanted.contains(String.valueOf(name)));
    }

    /** The request as Kestra's own trigger is to see it: what the event says, and nothing of the signature. */
    private WebhookContext with(WebhookContext context, WebhookEvent event) throws IOException {
        HttpRequest request = context.request();
        Map<String, List<String>> headers = new TreeMap<>(request.getHeaders().map());
        headers.keySet().removeIf(SIGNATURE::equalsIgnoreCase);
        HttpRequest.RequestBody body = HttpRequest.StringRequestBody.of(JacksonMapper.ofJson().writeValueAsString(event.toMap()));
        return WebhookContext.builder().request(HttpRequest.of(request.getUri(), request.getMethod(), body, headers)).path(context.path())
            .flow(context.flow()).trigger(this).webhookService(context.webhookService()).build();
    }

    private static String signature(HttpRequest request) {
        return request.getHeaders() == null ? null : request.getHeaders().firstValue(SIGNATURE).orElse(null);
    }

    /** The body as it came; empty if Kestra has not kept it so. Text that was valid is the same bytes again. */
    private static Optional<byte[]> bytes(HttpRequest.RequestBody body) {
        return switch (body) {
            case HttpRequest.ByteArrayRequestBody binary -> Optional.of(binary.getContent());
            case HttpRequest.StringRequestBody text -> Optional.of(text.getContent().getBytes(charset(text)));
            case null, default -> Optional.empty();
        };
    }

    private static Charset charset(HttpRequest.RequestBody body) {
        return body.getCharset() == null ? StandardCharsets.UTF_8 : body.getCharset();
    }

    private static Mono<HttpResponse<?>> answer(HttpResponse.Status status) {
        return Mono.just(HttpResponse.of(status));
    }
}
