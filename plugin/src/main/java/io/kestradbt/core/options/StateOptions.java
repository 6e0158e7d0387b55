package io.kestradbt.core.options;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.swagger.v3.oas.annotations.media.Schema;

/** Comparing with an earlier state of the project, and building on it. */
public interface StateOptions {
    @Schema(
        title = "Earlier state of the project",
        description = """
            What `state:modified` and the like compare with, and what `defer` resolves to. `auto`: the last success on this target and branch, which
            Kestra keeps in the namespace; a success of `Build` or `Run` takes its place. `auto:prod` or `auto:prod@main`: that of another target and
            branch, which is only read. Or where a `manifest.json` is: a `kestra://` URI, a namespace file as `nsfile:///state/manifest.json`, an entry of
            the KV store as `kv://KEY` that holds such a URI, or a folder of the working directory. Unset: selectors by state are refused by dbt."""
    )
    @PluginProperty(group = "advanced")
    Property<String> getState();

    @Schema(
        title = "Use relations of the earlier state",
        description = "A `ref` to a node that is not selected resolves to its relation in `state`. Unset or `false`: to the one of this target."
    )
    @PluginProperty(group = "advanced")
    Property<Boolean> getDefer();

    @Schema(title = "Earlier state to defer to", description = "Spelled as `state`, which is then only compared with. Unset: `state`.")
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
