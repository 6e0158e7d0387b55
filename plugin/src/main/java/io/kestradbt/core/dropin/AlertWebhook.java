package io.kestradbt.core.dropin;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.Getter;
import lombok.ToString;
import lombok.extern.jackson.Jacksonized;

/** Where to tell of warnings and errors while dbt runs, and of which. */
@Builder
@Jacksonized
@Getter
@ToString
public class AlertWebhook {
    /** The least that is worth an alert. */
    public enum Level {
        WARN, ERROR
    }

    @Schema(title = "Address", description = "Gets a POST of a JSON object with `text`, as Slack's webhooks take it. Best from a secret: who knows the address can write there.")
    @NotNull
    @ToString.Exclude
    @PluginProperty(secret = true)
    private final Property<String> url;

    @Schema(title = "Least level", description = "`WARN`: warnings and errors; `ERROR`: errors alone.")
    @Builder.Default
    private final Property<Level> level = Property.ofValue(Level.WARN);
}
