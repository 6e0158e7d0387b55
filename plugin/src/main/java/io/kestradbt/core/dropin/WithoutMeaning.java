package io.kestradbt.core.dropin;

import java.util.List;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** Properties that Kestra's own plugin declares for every command, here for those to which dbt gives no such option. */
public final class WithoutMeaning {
    private WithoutMeaning() {
    }

    /** A command that builds nothing which could be refreshed. */
    public interface FullRefresh {
        @Schema(title = "Without a meaning here", description = "Deprecated: this command builds no tables from nothing. Said in the log if `true`. Unset: `false`.", deprecated = true)
        @PluginProperty(group = "advanced")
        Property<Boolean> getFullRefresh();
    }

    /** A command that runs no nodes which could fail. */
    public interface FailFast {
        @Schema(title = "Without a meaning here", description = "Deprecated: this command runs no nodes to stop at. Said in the log if `true`. Unset: `false`.", deprecated = true)
        @PluginProperty(group = "advanced")
        Property<Boolean> getFailFast();
    }

    /** A command that is about no nodes. */
    public interface Selection {
        @Schema(title = "Without a meaning here", description = "Deprecated: this command is about the whole project. Said in the log if set. Unset: none.", deprecated = true)
        @PluginProperty(group = "advanced")
        Property<List<String>> getSelect();

        @Schema(title = "Without a meaning here", description = "Deprecated: this command is about the whole project. Said in the log if set. Unset: none.", deprecated = true)
        @PluginProperty(group = "advanced")
        Property<List<String>> getExclude();

        @Schema(title = "Without a meaning here", description = "Deprecated: this command is about the whole project. Said in the log if set. Unset: none.", deprecated = true)
        @PluginProperty(group = "advanced")
        Property<String> getSelector();
    }
}
