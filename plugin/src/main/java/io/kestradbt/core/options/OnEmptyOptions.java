package io.kestradbt.core.options;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** What a command about nodes comes to that has none. */
public interface OnEmptyOptions {
    @Schema(
        title = "What it means if there is no node to work on",
        description = """
            As when a selection matches nothing, or no node of an earlier run failed.
            - `WARN`: the task ends as WARNING, with the reason.
            - `FAIL`: it fails.
            - `ALLOW`: that is fine.

            Unset: `WARN`. Where there are several dbt commands, it applies to each."""
    )
    @PluginProperty(group = "execution")
    Property<OnEmpty> getOnEmpty();

    /** What it means that there is nothing to do. */
    enum OnEmpty {
        WARN, FAIL, ALLOW
    }
}
