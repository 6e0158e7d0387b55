package io.kestradbt.platform;

import java.util.ArrayList;
import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.http.client.configurations.HttpConfiguration;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Rendering;
import io.kestradbt.task.Spelling;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** A task that Kestra's own dbt plugin has too, with the properties that only that plugin's flows use. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
public abstract class AbstractDropInRun extends AbstractFollowing {
    @Schema(title = "Access URL of the account, in an older spelling", description = "Deprecated: use `host`; not both. Unset: as `host` says.", deprecated = true)
    @PluginProperty(group = "advanced")
    private Property<String> baseUrl;

    @Schema(
        title = "Without a meaning",
        description = "Deprecated: what can be asked again is asked again until `maxDuration`, and a run is never started twice. Said in the log if set.",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    private Property<Integer> maxRetries;

    @Schema(title = "Without a meaning", description = "Deprecated: how long is waited before something is asked again is not for the flow to say. Said in the log if set.", deprecated = true)
    @PluginProperty(group = "advanced")
    private Property<Long> initialDelayMs;

    @Schema(
        title = "Without a meaning",
        description = "Deprecated: `false` is said in the log. The nodes are in the Gantt and `run_results.json` is an output in any case. Unset: `true`.",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    private Property<Boolean> parseRunResults;

    @Schema(
        title = "Without a meaning",
        description = "Deprecated: options of another HTTP client. Said in the log if set; a proxy is named by `HTTPS_PROXY` in `env`, a certificate by `SSL_CERT_FILE`.",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    @ToString.Exclude // may hold a password of a proxy
    private HttpConfiguration options;

    @Override
    protected String host(Rendering rendering) throws IllegalVariableEvaluationException {
        Spelling.either("host", getHost(), "baseUrl", baseUrl);
        String older = rendering.text(baseUrl).map(String::strip).orElse(null);
        return older != null ? older : super.host(rendering);
    }

    @Override
    protected List<String> notices(Rendering rendering) throws IllegalVariableEvaluationException {
        List<String> notices = new ArrayList<>();
        if (maxRetries != null || initialDelayMs != null) {
            notices.add("`maxRetries` and `initialDelayMs` have no meaning any more: what can be asked again is, and a run is never started twice.");
        }
        if (!rendering.bool("parseRunResults", parseRunResults).orElse(true)) {
            notices.add("`parseRunResults: false` has no meaning any more: the nodes are in the Gantt, and run_results.json is an output.");
        }
        if (options != null) {
            notices.add("`options` has no meaning any more: a proxy is named by HTTPS_PROXY in `env`, a certificate by SSL_CERT_FILE.");
        }
        return notices;
    }
}
