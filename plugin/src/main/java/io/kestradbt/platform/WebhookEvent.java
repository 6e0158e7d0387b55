package io.kestradbt.platform;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import io.kestra.core.serializers.JacksonMapper;

/** What the dbt platform sends when something happens to a run. What it leaves out is null. */
record WebhookEvent(
    String eventId, String event, String at, Long accountId, String webhook, Long runId, String status, String statusMessage, Long jobId, String jobName,
    Long projectId, String projectName, Long environmentId, String environmentName, String dbtVersion, String reason, String startedAt, String finishedAt
) {
    private static final int SUCCESS = 10;
    private static final int ERROR = 20;
    private static final int CANCELLED = 30;

    /** From a body; empty if it is no event of the platform. */
    static Optional<WebhookEvent> of(String json) {
        try {
            JsonNode event = JacksonMapper.ofJson().readTree(json);
            JsonNode data = event.path("data");
            if (text(event, "eventId") == null || text(event, "eventType") == null || !data.isObject()) {
                return Optional.empty();
            }
            String finished = text(data, "runFinishedAt");
            return Optional.of(new WebhookEvent(
                text(event, "eventId"), text(event, "eventType"), text(event, "timestamp"), id(event, "accountId"), text(event, "webhookName"),
                id(data, "runId"), status(data), text(data, "runStatusMessage"), id(data, "jobId"), text(data, "jobName"),
                id(data, "projectId"), text(data, "projectName"), id(data, "environmentId"), text(data, "environmentName"), text(data, "dbtVersion"),
                text(data, "runReason"), text(data, "runStartedAt"), finished != null ? finished : text(data, "runErroredAt")
            ));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /** For the flow, without what is not known. */
    Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>(JacksonMapper.toMap(this));
        map.values().removeIf(Objects::isNull);
        return map;
    }

    /** In the words that the tasks use, too. */
    private static String status(JsonNode data) {
        return switch (data.path("runStatusCode").asInt()) {
            case SUCCESS -> "success";
            case ERROR -> "error";
            case CANCELLED -> "cancelled";
            default -> "running";
        };
    }

    /** Ids come as numbers or as texts. */
    private static Long id(JsonNode node, String name) {
        String text = text(node, name);
        return text != null && text.matches("\\d{1,18}") ? Long.valueOf(text) : null;
    }

    /** The platform writes `None` for nothing. */
    private static String text(JsonNode node, String name) {
        JsonNode value = node.path(name);
        String text = value.isValueNode() && !value.isNull() ? value.asText() : null;
        return text == null || text.isBlank() || text.equals("None") ? null : text;
    }
}
