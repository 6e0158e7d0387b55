package io.kestradbt.core.options;

import java.time.Duration;
import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.bridge.Request;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.ToString;
import lombok.extern.jackson.Jacksonized;

/** How nodes are retried within one run of a task. */
@Builder
@Jacksonized
@Getter
@ToString
@EqualsAndHashCode
public class RetryNodes {
    @Schema(title = "Retries at most", description = "At least 1. Unset: 2.")
    @PluginProperty(group = "execution")
    private final Property<Integer> attempts;

    @Schema(title = "Time before the first retry", description = "Each further one waits twice as long. Unset: PT10S.")
    @PluginProperty(group = "execution")
    private final Property<Duration> backoff;

    @Schema(
        title = "Reasons that may pass",
        description = """
            Told by what the warehouse or its driver says about a node:
            - `CONNECTION`: refused, reset, lost, or a service that is unavailable.
            - `LOCK`: a deadlock, a lock that was waited for in vain, a transaction that conflicts with another one.
            - `TIMEOUT`: a statement that took too long.
            - `QUOTA`: too many requests, connections or bytes at that time.

            Unset: all of them."""
    )
    @PluginProperty(group = "execution")
    private final Property<List<String>> reasons;

    /** A reason why a node may fail once and not the next time. */
    public enum Reason {
        CONNECTION, LOCK, TIMEOUT, QUOTA
    }

    /** The same for the runner; null stands for a default. */
    public Request.RetryNodes request(Rendering rendering) throws IllegalVariableEvaluationException {
        return new Request.RetryNodes(
            rendering.integer("retryNodes.attempts", attempts, 1).orElse(null),
            rendering.duration("retryNodes.backoff", backoff, Duration.ZERO).map(time -> time.toMillis() / 1000.0).orElse(null),
            rendering.constants("retryNodes.reasons", reasons, Reason.class)
        );
    }
}
