package io.kestradbt.core.dropin;

import java.util.ArrayList;
import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;

/** Properties of Kestra's script tasks, which its own dbt plugin inherits and which have nothing left to say here. */
public interface FormerScript {
    @Schema(title = "Whether there is an output directory", description = "Deprecated: there always is one, also if `false`. Unset: `true`.", deprecated = true)
    @PluginProperty(group = "advanced")
    Property<Boolean> getOutputDirectory();

    @Schema(title = "Operating system", description = "Deprecated: commands need a POSIX shell, and `WINDOWS` is refused. Unset: `AUTO`.", deprecated = true)
    @PluginProperty(group = "advanced")
    Property<TargetOS> getTargetOS();

    @Schema(title = "Without a meaning", description = "Deprecated: lines on standard error have not made a warning for long. Unset: `false`.", deprecated = true)
    @PluginProperty(group = "advanced")
    Property<Boolean> getWarningOnStdErr();

    /**
     * What people should know of those that they have set, a line each.
     *
     * @throws IllegalArgumentException if the commands are for Windows
     */
    default List<String> formerNotices(Rendering rendering) throws IllegalVariableEvaluationException {
        if (rendering.constant("targetOS", getTargetOS(), TargetOS.class).filter(TargetOS.WINDOWS::equals).isPresent()) {
            throw new IllegalArgumentException("`targetOS` is WINDOWS, and dbt is run by a POSIX shell: use a task runner with Linux or macOS.");
        }
        List<String> notices = new ArrayList<>();
        if (!rendering.bool("outputDirectory", getOutputDirectory()).orElse(true)) {
            notices.add("`outputDirectory: false` has no meaning any more: dbt's artifacts come through that directory.");
        }
        if (rendering.bool("warningOnStdErr", getWarningOnStdErr()).orElse(false)) {
            notices.add("`warningOnStdErr` has no meaning any more: lines on standard error make no warning.");
        }
        return notices;
    }
}
