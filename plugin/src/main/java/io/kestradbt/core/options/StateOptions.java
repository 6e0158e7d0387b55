package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** Comparing with an earlier state of the project, and building on it. */
public interface StateOptions {
    @Schema(
        title = "Folder with the artifacts of an earlier run",
        description = """
            Relative to the working directory; `inputFiles` can put a `manifest.json` there. `state:modified` and the like compare with it,
            and `defer` resolves to it. Unset: such selectors are refused by dbt."""
    )
    @PluginProperty(group = "advanced")
    Property<String> getState();

    @Schema(
        title = "Use relations of the earlier state",
        description = "A `ref` to a node that is not selected resolves to its relation in `state`. Unset or `false`: to the one of this target."
    )
    @PluginProperty(group = "advanced")
    Property<Boolean> getDefer();

    @Schema(title = "Folder to defer to", description = "Relative to the working directory, instead of `state`, which is then only compared with. Unset: `state`.")
    @PluginProperty(group = "advanced")
    Property<String> getDeferState();

    @Schema(
        title = "Prefer the earlier state",
        description = "With `defer`: resolves to the relation in `state` even if this target has one. Unset or `false`: only if it has none."
    )
    @PluginProperty(group = "advanced")
    Property<Boolean> getFavorState();

    /** Add them to a request. */
    default void addState(Options options) throws IllegalVariableEvaluationException {
        options.text("state", getState()).bool("defer", getDefer()).text("deferState", getDeferState()).bool("favorState", getFavorState());
    }
}
