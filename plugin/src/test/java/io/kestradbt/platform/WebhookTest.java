package io.kestradbt.platform;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.http.HttpRequest;
import io.kestra.core.http.HttpResponse;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.services.WebhookService;
import io.kestra.core.utils.TestsUtils;
import io.kestra.plugin.core.trigger.WebhookContext;
import io.kestradbt.state.FakeKv;
import io.kestradbt.state.TriggerMemory;
import jakarta.inject.Inject;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;
import reactor.core.publisher.Mono;

import static org.assertj.core.api.Assertions.assertThat;

@KestraTest
class WebhookTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SECRET = "whsec_example_not_real_0001";
    private static final String BODY = "{\"accountId\":12345,\"eventId\":\"wev_Example0001\",\"timestamp\":\"2026-01-15T10:22:41.2501047Z\",\"eventType\":\"job.run.completed\","
        + "\"webhookId\":\"wsu_Example0000\",\"webhookName\":\"ops-listener\",\"data\":{\"jobId\":\"901\",\"jobName\":\"nightly build\",\"runId\":\"70471831584850\","
        + "\"environmentId\":\"77\",\"environmentName\":\"Prod\",\"dbtVersion\":\"latest\",\"projectName\":\"shop\",\"projectId\":\"55\",\"runStatus\":\"Success\","
        + "\"runStatusCode\":10,\"runStatusMessage\":\"None\",\"runReason\":\"scheduled\",\"runStartedAt\":\"2026-01-15T10:20:02Z\",\"runFinishedAt\":\"2026-01-15T10:22:38Z\"}}";
    private static final String SIGNED = "0de76a671bed55f56f04ccb4f42aeb20d4a2ce066a2f8153eec63b355d60cd2b";

    private static final FakeKv KV = new FakeKv();
    private static final AtomicInteger STARTED = new AtomicInteger();
    private static final AtomicReference<WebhookContext> SEEN = new AtomicReference<>();
    private static final AtomicReference<HttpResponse.Status> ANSWER = new AtomicReference<>();

    @Inject
    private WebhookService webhookService;

    @BeforeEach
    void forget() {
        KV.values.clear();
        STARTED.set(0);
        ANSWER.set(HttpResponse.Status.OK);
    }

    @Test
    void shouldStartAnExecutionThatReadsTheEvent() throws Exception {
        assertThat(status(trigger(), BODY, SIGNED)).isEqualTo(200);

        HttpRequest request = SEEN.get().request();
        assertThat(request.getHeaders().map()).containsKey("X-Other").doesNotContainKey("Authorization");
        JsonNode event = JSON.readTree((String) request.getBody().getContent());
        assertThat(event).isEqualTo(JSON.readTree("""
            {"eventId": "wev_Example0001", "event": "job.run.completed", "at": "2026-01-15T10:22:41.2501047Z", "accountId": 12345, "webhook": "ops-listener",
             "runId": 70471831584850, "status": "success", "jobId": 901, "jobName": "nightly build", "projectId": 55, "projectName": "shop",
             "environmentId": 77, "environmentName": "Prod", "dbtVersion": "latest", "reason": "scheduled", "startedAt": "2026-01-15T10:20:02Z",
             "finishedAt": "2026-01-15T10:22:38Z"}"""));
    }

    @Test
    void shouldRefuseWhatIsNotSignedWithTheSecret() throws Exception {
        String spaced = BODY.replace("\":", "\": ").replace(",\"", ", \"");

        assertThat(WebhookSignature.of(SECRET, spaced.getBytes(StandardCharsets.UTF_8))).isEqualTo("0264d1b3328c0ef06bbc5d24021b930e492984cf6df8d32019a785f7b3f60d94");
        assertThat(status(trigger(), spaced, SIGNED)).isEqualTo(401);
        assertThat(status(trigger(), BODY, SIGNED.toUpperCase())).isEqualTo(401);
        assertThat(status(trigger(), BODY, SIGNED.substring(1))).isEqualTo(401);
        assertThat(status(trigger(), BODY, "")).isEqualTo(401);
        assertThat(status(trigger(), BODY, null)).isEqualTo(401);
        assertThat(status(trigger(), null, SIGNED)).isEqualTo(401);
        assertThat(status(builder().secret(Property.ofExpression("{{ '' }}")).build(), BODY, WebhookSignature.of("x", BODY.getBytes(StandardCharsets.UTF_8)))).isEqualTo(401);
        assertThat(status(builder().secret(Property.ofValue("another")).build(), BODY, SIGNED)).isEqualTo(401);
        assertThat(STARTED).hasValue(0);
    }

    @Test
    void shouldRefuseWhatIsNoEvent() throws Exception {
        for (String body : List.of("nonsense", "[]", "{}", "{\"eventId\":\"1\",\"eventType\":\"x\"}")) {
            assertThat(status(trigger(), body, WebhookSignature.of(SECRET, body.getBytes(StandardCharsets.UTF_8)))).as(body).isEqualTo(400);
        }
    }

    @Test
    void shouldTakeAnEventOnce() throws Exception {
        assertThat(status(trigger(), BODY, SIGNED)).isEqualTo(200);
        assertThat(status(trigger(), BODY, SIGNED)).isEqualTo(204);
        assertThat(STARTED).hasValue(1);
    }

    @Test
    void shouldTakeAnEventAgainWhoseExecutionCouldNotBeStarted() throws Exception {
        ANSWER.set(HttpResponse.Status.INTERNAL_SERVER_ERROR);
        assertThat(status(trigger(), BODY, SIGNED)).isEqualTo(500);
        ANSWER.set(HttpResponse.Status.OK);
        assertThat(status(trigger(), BODY, SIGNED)).isEqualTo(200);
    }

    @Test
    void shouldKeepABoundOfEvents() throws Exception {
        for (int i = 0; i < 1010; i++) {
            String body = BODY.replace("wev_Example0001", "wev_" + i);
            assertThat(status(trigger(), body, WebhookSignature.of(SECRET, body.getBytes(StandardCharsets.UTF_8)))).isEqualTo(200);
        }
        assertThat((List<?>) ((Map<?, ?>) KV.values.get("dbt-events")).get("ids")).hasSize(1000).last().isEqualTo("wev_1009");
    }

    @Test
    void shouldAnswerToWhatIsNotWantedAndStartNothing() throws Exception {
        assertThat(status(builder().events(Property.ofValue(List.of(Webhook.EventType.ERRORED))).build(), BODY, SIGNED)).isEqualTo(204);
        assertThat(status(builder().jobs(Property.ofValue(List.of("902", "nightly"))).build(), BODY, SIGNED)).isEqualTo(204);
        assertThat(status(builder().environments(Property.ofValue(List.of("Dev"))).build(), BODY, SIGNED)).isEqualTo(204);
        assertThat(status(builder().statuses(Property.ofValue(List.of(RunStatus.ERROR))).build(), BODY, SIGNED)).isEqualTo(204);
        assertThat(STARTED).hasValue(0);
        assertThat(status(
            builder().events(Property.ofValue(List.of(Webhook.EventType.COMPLETED))).jobs(Property.ofValue(List.of("901"))).environments(Property.ofValue(List.of("Prod")))
                .statuses(Property.ofValue(List.of(RunStatus.SUCCESS))).build(),
            BODY, SIGNED
        )).isEqualTo(200);
    }

    @Test
    void shouldNotShowTheSecret() {
        assertThat(trigger().toString()).doesNotContain(SECRET);
    }

    private int status(Webhook trigger, String body, String signature) throws Exception {
        Map<String, List<String>> headers = signature == null ? Map.of("X-Other", List.of("1")) : Map.of("X-Other", List.of("1"), "Authorization", List.of(signature));
        HttpRequest request = HttpRequest.of(
            URI.create("https://kestra.example.com/api/v1/main/executions/webhook/company.team/flow/key"), "POST",
            body == null ? null : HttpRequest.StringRequestBody.of(body), headers
        );
        return trigger.evaluate(WebhookContext.builder().request(request).flow(TestsUtils.mockFlow()).trigger(trigger).webhookService(webhookService).build())
            .block().getStatus().getCode();
    }

    private static Webhook trigger() {
        return builder().build();
    }

    private static Recording.RecordingBuilder<?, ?> builder() {
        return Recording.builder().id("dbt").type(Webhook.class.getName()).key("key").secret(Property.ofValue(SECRET));
    }

    /** Notes what would be started: the tests have no executor, and no repository for its memory. */
    @SuperBuilder
    @ToString
    @EqualsAndHashCode(callSuper = true)
    @Getter
    @NoArgsConstructor
    public static class Recording extends Webhook {
        @Override
        protected TriggerMemory memory(RunContext runContext) {
            return new TriggerMemory(KV, "dbt-events");
        }

        @Override
        protected Mono<HttpResponse<?>> start(WebhookContext context) {
            STARTED.incrementAndGet();
            SEEN.set(context);
            return Mono.just(HttpResponse.of(ANSWER.get()));
        }
    }
}
