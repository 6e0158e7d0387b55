package io.kestradbt.graph;

import java.util.Optional;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;

/** Which Kestra server gets the flow, and what lets us in. */
public interface Deployment {
    @Schema(
        title = "Kestra server to put the flow on",
        description = """
            Its address, as `https://kestra.example.com`, or `{{ kestra.url }}` for this one. It is called from where the task runs. A flow that is there already and
            means the same is left alone; another one is replaced, and Kestra keeps its revisions. Unset: the flow is only written."""
    )
    @PluginProperty(group = "connection")
    Property<String> getDeployTo();

    @Schema(title = "Tenant of that server", description = "Unset: that of this flow.")
    @PluginProperty(group = "connection")
    Property<String> getTenant();

    @Schema(
        title = "API token of that server",
        description = """
            Of a user who may write flows, best as `{{ secret('KESTRA_TOKEN') }}`. It travels in the environment of the process only. Unset, as `username` is:
            what this Kestra gives its tasks for its API (`kestra.tasks.sdk.authentication`, or a default of the tenant or namespace), if anything."""
    )
    @PluginProperty(group = "connection", secret = true)
    Property<String> getApiToken();

    @Schema(title = "User of that server", description = "For basic authentication, instead of `apiToken`. Unset: none.")
    @PluginProperty(group = "connection")
    Property<String> getUsername();

    @Schema(title = "Password of the user", description = "Best as `{{ secret('KESTRA_PASSWORD') }}`. Unset: none.")
    @PluginProperty(group = "connection", secret = true)
    Property<String> getPassword();

    /** What lets us in; null if nothing is deployed. */
    default Secrets.Login login(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        if (rendering.text(getDeployTo()).isEmpty()) {
            return null;
        }
        Optional<String> token = rendering.text(getApiToken());
        Optional<String> user = rendering.text(getUsername());
        if (token.isEmpty() && user.isEmpty()) {
            return runContext.sdk().defaultAuthentication()
                .map(auth -> new Secrets.Login(auth.apiToken().orElse(null), auth.username().orElse(null), auth.password().orElse(null)))
                .orElse(null);
        }
        return new Secrets.Login(token.orElse(null), user.orElse(null), rendering.text(getPassword()).orElse(null));
    }
}
