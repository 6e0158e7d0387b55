package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** Which span of event time is built. */
public interface EventTimeOptions {
    @Schema(
        title = "Begin of the span to build",
        description = "Inclusive, in UTC, as `2026-01-01` or `2026-01-01T12:00:00`; with `eventTimeEnd`. Only for microbatch models: their batches of this span are built. Unset: what each model's `lookback` says."
    )
    @PluginProperty(group = "execution")
    Property<String> getEventTimeStart();

    @Schema(title = "End of the span to build", description = "Exclusive, in UTC, as `2026-01-08`; with `eventTimeStart`. Unset: now.")
    @PluginProperty(group = "execution")
    Property<String> getEventTimeEnd();

    @Schema(
        title = "Sample to build from",
        description = "A span of event time, as `3 days` until now, or `{'start': '2026-01-01', 'end': '2026-01-08'}`: every `ref` and `source` that has an `event_time` is limited to it. Unset: all rows."
    )
    @PluginProperty(group = "execution")
    Property<String> getSample();

    /** Add them to a request. */
    default void addEventTime(Options options) throws IllegalVariableEvaluationException {
        options.text("eventTimeStart", getEventTimeStart()).text("eventTimeEnd", getEventTimeEnd()).text("sample", getSample());
    }
}
