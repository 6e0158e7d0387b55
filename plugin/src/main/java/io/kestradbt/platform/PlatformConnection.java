package io.kestradbt.platform;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;

/** Which account of the dbt platform, and how to get in. */
public interface PlatformConnection {
    @Schema(
        title = "Access URL of the account",
        description = "As `ab123.us1.dbt.com`; the account's settings show it. With or without `https://`. Unset: `cloud.getdbt.com`."
    )
    @PluginProperty(group = "connection")
    Property<String> getHost();

    @Schema(title = "Id of the account", description = "A number; the account's settings and the addresses of the dbt platform's pages show it.")
    @PluginProperty(group = "connection")
    @NotNull
    Property<String> getAccountId();

    @Schema(
        title = "API token",
        description = """
            A service token or a personal one, best as `{{ secret('DBT_TOKEN') }}`. To start, cancel and retry runs it needs a permission as Job Runner's;
            to read, Job Viewer's. It travels in the environment of the process only."""
    )
    @PluginProperty(group = "connection", secret = true)
    @NotNull
    Property<String> getToken();
}
