package io.kestradbt.core.dropin;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.plugin.scripts.exec.scripts.models.DockerOptions;
import io.kestra.plugin.scripts.exec.scripts.models.RunnerType;
import io.swagger.v3.oas.annotations.media.Schema;

/**
 * A task that Kestra's own dbt plugin has too: it is also reached by the name that it has there, and then keeps the defaults and the
 * outputs of that name. The properties here are those that were deprecated there already; under whichever name, they are honoured.
 */
public interface DropIn {
    /** Whether the flow uses the name of Kestra's own plugin. */
    boolean byFormerName();

    /** What the flow names; null if it names none. */
    TaskRunner<?> getTaskRunner();

    @Schema(
        title = "Where dbt runs, in an older spelling",
        description = "Deprecated: use `taskRunner`. `PROCESS`: on the worker; `DOCKER`: in a container, as `docker` says. Unset: as `taskRunner` says.",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    RunnerType getRunner();

    @Schema(
        title = "Options of the container, in an older spelling",
        description = "Deprecated: use `taskRunner` and `containerImage`. Its `image` comes before `containerImage`. Unset: as `taskRunner` says.",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    DockerOptions getDocker();

    @Schema(title = "Options of the container, in the oldest spelling", description = "Deprecated: use `taskRunner`. Means the same as `docker`. Unset: none.", deprecated = true)
    @PluginProperty(group = "advanced")
    DockerOptions getDockerOptions();
}
