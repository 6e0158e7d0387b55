package io.kestradbt.platform;

import java.time.Duration;
import java.util.Optional;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** A task about one run, which follows it to its end and brings back what it leaves. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
public abstract class AbstractFollowing extends AbstractPlatform {
    static final Duration LEAST_POLL = Duration.ofMillis(100);

    static final Duration LEAST_WAIT = Duration.ofSeconds(1);

    private static final Duration FORMER_POLL = Duration.ofSeconds(5);

    private static final Duration FORMER_LIMIT = Duration.ofMinutes(60);

    /** What becomes of a run that nobody waits for any more. */
    public enum OnKill {
        CANCEL, LEAVE
    }

    @Schema(
        title = "Follow the run to its end",
        description = "`true`: the task ends as the run does, with its nodes, log and artifacts. `false`: it ends at once, with `runId` and `links`."
    )
    @PluginProperty(group = "main")
    @Builder.Default
    protected Property<Boolean> wait = Property.ofValue(true);

    @Schema(title = "Time between two looks at the run", description = "Unset: PT10S; under a type name of `io.kestra.plugin.dbt.cloud`, PT5S.")
    @PluginProperty(group = "execution")
    protected Property<Duration> pollFrequency;

    @Schema(
        title = "Longest time to wait",
        description = """
            After that, the task fails, and `onKill` says what becomes of the run. Unset: as long as it takes; under a type name of
            `io.kestra.plugin.dbt.cloud`, PT60M."""
    )
    @PluginProperty(group = "execution")
    protected Property<Duration> maxDuration;

    @Schema(
        title = "What becomes of the run when it is no longer waited for",
        description = """
            After a kill, a `timeout` or `maxDuration`.
            - `CANCEL`: it is cancelled, and the task ends when it has ended, or after `killGrace`.
            - `LEAVE`: it goes on, which the log says.

            Unset: a run that this task started is cancelled, one that it only looks at is left. Whatever it says, a worker that dies cancels nothing: the
            task goes on with the same run elsewhere."""
    )
    @PluginProperty(group = "execution")
    protected Property<OnKill> onKill;

    @Schema(title = "Keep the SQL too", description = "`true`: what dbt compiled and ran is kept as the artifact `target.zip`.")
    @PluginProperty(group = "execution")
    @Builder.Default
    protected Property<Boolean> compiled = Property.ofValue(false);

    /** Whether it is only started, or looked at. */
    protected final boolean noWait(Rendering rendering) throws IllegalVariableEvaluationException {
        return !rendering.bool("wait", wait).orElse(true);
    }

    /** How it is followed. */
    protected final PlatformRequest.Following following(Rendering rendering) throws IllegalVariableEvaluationException {
        return new PlatformRequest.Following(
            rendering.duration("pollFrequency", pollFrequency, LEAST_POLL).or(() -> former(FORMER_POLL)).map(AbstractFollowing::seconds).orElse(null),
            rendering.duration("maxDuration", maxDuration, LEAST_WAIT).or(() -> former(FORMER_LIMIT)).map(AbstractFollowing::seconds).orElse(null),
            rendering.constant("onKill", onKill, OnKill.class).map(Rendering::word).orElse(null),
            rendering.bool("compiled", compiled).orElse(false),
            false
        );
    }

    private Optional<Duration> former(Duration value) {
        return byFormerName() ? Optional.of(value) : Optional.empty();
    }

    static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}
