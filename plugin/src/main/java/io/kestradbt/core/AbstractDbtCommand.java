package io.kestradbt.core;

import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.core.options.ProjectOptions;
import io.kestradbt.core.options.ResumeOptions;
import io.kestradbt.core.options.RetryNodesOptions;
import io.kestradbt.state.Continuity;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** A task that is one dbt command. A subclass names it, and adds what options it takes. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
public abstract class AbstractDbtCommand extends AbstractDbt implements ProjectOptions {
    protected Property<String> projectDir;

    @Schema(title = "Profile to use", description = "A name in `profiles.yml`. Unset: `profile` of `dbt_project.yml`.")
    @PluginProperty(group = "connection")
    protected Property<String> profile;

    @Schema(title = "Target of the profile", description = "As `dev` or `prod`. Unset: the profile's own `target`.")
    @PluginProperty(group = "connection")
    protected Property<String> target;

    @Schema(title = "dbt variables", description = "A map, read in the project as `var('name')`. Over those of `dbt_project.yml`. Unset: none.")
    @PluginProperty(group = "main")
    protected Property<Map<String, Object>> vars;

    @Schema(title = "Treat warnings as errors", description = "Any warning of dbt itself, as of a selection that matches nothing, then fails the task. Unset or `false`: it does not.")
    @PluginProperty(group = "execution")
    protected Property<Boolean> warnError;

    @Schema(
        title = "Treat some warnings as errors",
        description = """
            Names of dbt's warnings, as `NoNodesForSelectionCriteria`, in lists by key: those in `error` fail the task (`error: all` means every one),
            those in `warn` stay warnings nevertheless, those in `silence` are not even told. `include` and `exclude` are older names of `error`
            and `warn`. Not together with `warnError`. Unset: as the flags of `dbt_project.yml` say."""
    )
    @PluginProperty(group = "execution")
    protected Property<Map<String, Object>> warnErrorOptions;

    @Schema(title = "More arguments", description = "Passed to dbt as they are, after all options, one entry a word, as `--no-partial-parse`. Unset: none.")
    @PluginProperty(group = "advanced")
    protected Property<List<String>> args;

    /** The command with its subcommand, or its macro. */
    protected abstract List<String> command(Rendering rendering) throws IllegalVariableEvaluationException;

    /** Add the options of this very command. */
    protected abstract void addOptions(Options options) throws IllegalVariableEvaluationException;

    /** Whether to write the documentation after a success. */
    protected boolean docs(Rendering rendering) throws IllegalVariableEvaluationException {
        return false;
    }

    /** Arguments of a macro. */
    protected Map<String, Object> macroArgs(Rendering rendering) throws IllegalVariableEvaluationException {
        return Map.of();
    }

    /** All options. */
    protected Options options(Rendering rendering) throws IllegalVariableEvaluationException {
        Options options = new Options(rendering)
            .text("projectDir", getProjectDir())
            .text("profile", profile)
            .text("target", target)
            .bool("warnError", warnError)
            .map("warnErrorOptions", warnErrorOptions);
        addOptions(options);
        return options;
    }

    @Override
    protected Request request(Rendering rendering) throws IllegalVariableEvaluationException {
        return new Request.DbtCommand(
            command(rendering), options(rendering).values(), rendering.list("args", args), engine(rendering),
            rendering.list("dependencies", getDependencies()), rendering.bool("debug", getDebug()).orElse(false), docs(rendering),
            judgement(rendering), this instanceof RetryNodesOptions task && task.getRetryNodes() != null ? task.getRetryNodes().request(rendering) : null,
            List.of(), null, false, null
        );
    }

    @Override
    protected boolean restartable(Rendering rendering) throws IllegalVariableEvaluationException {
        return this instanceof ResumeOptions options && rendering.bool("resume", options.getResume()).orElse(false);
    }

    @Override
    protected Optional<Continuity> continuity(RunContext runContext, Rendering rendering, Request request, Secrets secrets) throws IllegalVariableEvaluationException {
        return Optional.of(new Continuity(runContext, (Request.DbtCommand) request, secrets, restartable(rendering)));
    }

    @Override
    protected Secrets secrets(RunContext runContext, Rendering rendering, CommandsWrapper commands) throws Exception {
        Secrets secrets = super.secrets(runContext, rendering, commands);
        return new Secrets(secrets.profiles(), rendering.map("vars", vars), macroArgs(rendering), null);
    }
}
