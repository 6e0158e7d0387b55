package io.kestradbt.core;

import java.util.ArrayList;
import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.plugin.scripts.exec.scripts.models.DockerOptions;
import io.kestra.plugin.scripts.exec.scripts.models.RunnerType;
import io.kestradbt.bridge.Runner;
import io.kestradbt.core.dropin.FormerResults;
import io.kestradbt.core.dropin.WithoutMeaning;
import io.kestradbt.core.options.ThreadOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.kestradbt.task.Spelling;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** A dbt command that Kestra's own dbt plugin has too, with the properties that only that plugin's flows use. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
public abstract class AbstractDropInCommand extends AbstractDbtCommand implements FormerResults {
    /** Where {@code Setup} puts what the tasks after it find, in the working directory. */
    private static final String FORMER_DBT = "./bin/dbt";

    private static final String USE_FORMER_PROFILES = "if [ -f .profile/profiles.yml ]; then export DBT_PROFILES_DIR=\"$PWD/.profile\"; fi";

    private RunnerType runner;

    private DockerOptions docker;

    private DockerOptions dockerOptions;

    private Property<Boolean> parseRunResults;

    @Schema(
        title = "Path of the dbt command",
        description = """
            Deprecated: use `pythonPath` or `dependencies`. Its folder, from the working directory on, goes first on PATH; a path that is not
            there changes nothing. Unset: `./bin/dbt` under a type name of `io.kestra.plugin.dbt.cli`, else PATH is as it is.""",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    private Property<String> dbtPath;

    @Schema(title = "Nodes run at a time, in an older spelling", description = "Deprecated: use `threads`; not both. Unset: as `threads` says.", deprecated = true)
    @PluginProperty(group = "advanced")
    private Property<Integer> thread;

    @Override
    protected List<String> shellSetUp(Rendering rendering) throws IllegalVariableEvaluationException {
        List<String> lines = new ArrayList<>();
        String dbt = rendering.text(dbtPath).orElse(byFormerName() ? FORMER_DBT : null);
        if (dbt != null) {
            lines.add("export PATH=\"$(dirname -- %s)\":\"$PATH\"".formatted(absolute(dbt)));
        }
        if (byFormerName()) {
            lines.add(USE_FORMER_PROFILES);
        }
        return lines;
    }

    @Override
    protected Options options(Rendering rendering) throws IllegalVariableEvaluationException {
        Options options = super.options(rendering);
        if (this instanceof ThreadOptions task) {
            Spelling.either("threads", task.getThreads(), "thread", thread);
            rendering.integer("thread", thread, 1).ifPresent(threads -> options.always("threads", threads));
        }
        if (byFormerName()) {
            // There, the path was put right behind that of the working directory, so that it had to begin with a slash.
            rendering.text(getProjectDir()).filter(folder -> folder.startsWith("/")).ifPresent(folder -> options.always("projectDir", "." + folder));
        }
        return options;
    }

    @Override
    protected List<String> notices(Rendering rendering) throws IllegalVariableEvaluationException {
        List<String> superfluous = new ArrayList<>();
        addIf(thread != null && !(this instanceof ThreadOptions), "thread", superfluous);
        if (this instanceof WithoutMeaning.FullRefresh task) {
            addIf(rendering.bool("fullRefresh", task.getFullRefresh()).orElse(false), "fullRefresh", superfluous);
        }
        if (this instanceof WithoutMeaning.FailFast task) {
            addIf(rendering.bool("failFast", task.getFailFast()).orElse(false), "failFast", superfluous);
        }
        if (this instanceof WithoutMeaning.Selection task) {
            addIf(!rendering.list("select", task.getSelect()).isEmpty(), "select", superfluous);
            addIf(!rendering.list("exclude", task.getExclude()).isEmpty(), "exclude", superfluous);
            addIf(rendering.text(task.getSelector()).isPresent(), "selector", superfluous);
        }
        String command = String.join(" ", command(rendering));
        return superfluous.stream().map(name -> "`%s` has no meaning for `dbt %s`, and is passed over.".formatted(name, command)).toList();
    }

    private static void addIf(boolean condition, String name, List<String> names) {
        if (condition) {
            names.add(name);
        }
    }

    private static String absolute(String path) {
        return (path.startsWith("/") ? "" : "\"$PWD\"/") + Runner.quoted(path);
    }
}
