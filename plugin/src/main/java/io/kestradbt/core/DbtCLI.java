package io.kestradbt.core;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.RemoteRunnerInterface;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.models.DockerOptions;
import io.kestra.plugin.scripts.exec.scripts.models.RunnerType;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.core.dropin.AlertWebhook;
import io.kestradbt.core.dropin.FormerResults;
import io.kestradbt.core.dropin.FormerScript;
import io.kestradbt.core.dropin.KvManifest;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.ProjectOptions;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Any dbt commands, as people type them. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run any dbt commands, and whatever else a shell can do",
    description = """
        The commands are one shell script, left as it is written: pipes, loops, `cd` and quotes work. Each `dbt` in it is followed node by
        node, and its artifacts are kept; with several of them, all count."""
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.DbtCLI",
    examples = {
        @Example(
            full = true,
            title = "Install the project's packages, build it, and check the freshness of its sources.",
            code = """
                id: dbt_commands
                namespace: company.team

                tasks:
                  - id: dbt
                    type: io.kestradbt.core.DbtCLI
                    namespaceFiles:
                      enabled: true
                    projectDir: shop
                    dependencies:
                      - dbt-core>=1.10,<1.12
                      - dbt-duckdb
                    profiles: |
                      shop:
                        target: dev
                        outputs:
                          dev:
                            type: duckdb
                            path: shop.duckdb
                    commands:
                      - dbt deps
                      - dbt build --exclude tag:slow
                      - dbt source freshness
                """
        ),
        @Example(
            full = true,
            title = "Go on after a failure to try the failed nodes once more, and keep a file.",
            code = """
                id: dbt_retry_once
                namespace: company.team

                tasks:
                  - id: dbt
                    type: io.kestradbt.core.DbtCLI
                    inputFiles:
                      dbt_project.yml: |
                        name: shop
                        profile: shop
                      models/orders.sql: |
                        select 1 as order_id
                    dependencies:
                      - dbt-core>=1.10,<1.12
                      - dbt-duckdb
                    profiles:
                      shop:
                        target: dev
                        outputs:
                          dev:
                            type: duckdb
                            path: shop.duckdb
                    commands:
                      - dbt build || dbt retry
                      - dbt ls --resource-type model > models.txt
                      - "echo '::{\\"outputs\\": {\\"models\\": '$(wc -l < models.txt)'}}::'"
                    outputFiles:
                      - models.txt

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.dbt.vars.models }} models, see {{ outputs.dbt.outputFiles['models.txt'] }}"
                """
        ),
        @Example(
            full = true,
            title = "Run dbt in a container that has it.",
            code = """
                id: dbt_in_a_container
                namespace: company.team

                tasks:
                  - id: dbt
                    type: io.kestradbt.core.DbtCLI
                    taskRunner:
                      type: io.kestra.plugin.scripts.runner.docker.Docker
                    containerImage: ghcr.io/kestra-io/dbt-duckdb:latest
                    namespaceFiles:
                      enabled: true
                    env:
                      DBT_PROFILES_DIR: shop
                    commands:
                      - dbt build --project-dir shop
                """
        )
    }
)
public class DbtCLI extends AbstractDbt implements ProjectOptions, OnEmptyOptions, FormerResults, FormerScript {
    /** In which form dbt wrote its log. */
    public enum LogFormat {
        JSON, TEXT, DEBUG, NONE
    }

    private Property<String> projectDir;

    @Schema(
        title = "Commands",
        description = "Run one after the other in one shell, in the working directory. A `kestra://` URI becomes a local file."
    )
    @PluginProperty(group = "main")
    @NotNull
    private Property<List<String>> commands;

    @Schema(title = "Stop at the first command that fails", description = "`false`: all commands run, and the exit code is that of the last one.")
    @PluginProperty(group = "execution")
    @Builder.Default
    @NotNull
    private Property<Boolean> failFast = Property.ofValue(true);

    private Property<OnEmpty> onEmpty;
    @Schema(
        title = "Where in the KV store to note the manifest",
        description = """
            After a success in which no node failed, the key leads to this run's `manifest.json`, for `loadManifest` of a later run: it
            holds the file's URI, not its text. Unset: nowhere."""
    )
    @PluginProperty(group = "advanced")
    @Valid
    private KvManifest storeManifest;

    @Schema(
        title = "Where in the KV store to find an earlier manifest",
        description = """
            Put into the project as `target/manifest.json`, where `--state target` finds it, before the commands run: what `storeManifest` has
            noted, or Kestra's own dbt plugin stored. A key without a value is a warning in the log. Unset: none."""
    )
    @PluginProperty(group = "advanced")
    @Valid
    private KvManifest loadManifest;

    @Schema(
        title = "Webhook to alert meanwhile",
        description = """
            Gets a POST for each node, or message of dbt, that is a warning or an error, as it happens: the first twenty, then their number. One
            that does not answer changes nothing about the run. Unset: none."""
    )
    @PluginProperty(group = "advanced")
    @Valid
    private AlertWebhook alertWebhook;

    private RunnerType runner;

    private DockerOptions docker;

    private DockerOptions dockerOptions;

    private Property<Boolean> parseRunResults;

    @Schema(
        title = "Form of dbt's log",
        description = "Deprecated: dbt's lines come into the log as they are, whichever form is named; `debug` has its debug lines too. Unset: `JSON`.",
        deprecated = true
    )
    @PluginProperty(group = "advanced")
    private Property<LogFormat> logFormat;

    private Property<Boolean> outputDirectory;

    private Property<TargetOS> targetOS;

    private Property<Boolean> warningOnStdErr;

    @Override
    protected List<String> notices(Rendering rendering) throws IllegalVariableEvaluationException {
        List<String> notices = new ArrayList<>(formerNotices(rendering));
        if (rendering.constant("logFormat", logFormat, LogFormat.class).orElse(LogFormat.JSON) != LogFormat.JSON) {
            notices.add("`logFormat` has no meaning any more: dbt's lines come into the log as they are.");
        }
        return notices;
    }

    @Override
    protected RunResult carryOut(RunContext runContext, Rendering rendering, CommandsWrapper wrapper, Consumer<Event> listener) throws Exception {
        // A namespace that is not allowed is said before dbt has worked for hours.
        ManifestInKv kept = storeManifest == null ? null : new ManifestInKv(runContext, rendering, "storeManifest", storeManifest);
        if (loadManifest != null) {
            Path target = Path.of(rendering.text(getProjectDir()).orElse(""), "target", DbtOutput.MANIFEST);
            new ManifestInKv(runContext, rendering, "loadManifest", loadManifest).load(runContext.workingDir().resolve(target));
        }
        RunResult result = withAlerts(runContext, rendering, wrapper, listener);
        return kept == null ? result : kept.store(result);
    }

    private RunResult withAlerts(RunContext runContext, Rendering rendering, CommandsWrapper wrapper, Consumer<Event> listener) throws Exception {
        if (alertWebhook == null) {
            return super.carryOut(runContext, rendering, wrapper, listener);
        }
        try (Alerts alerts = new Alerts(runContext, rendering, alertWebhook)) {
            return super.carryOut(runContext, rendering, wrapper, listener.andThen(alerts));
        }
    }

    @Override
    protected Request request(Rendering rendering) throws IllegalVariableEvaluationException {
        return new Request.ShellScript(
            rendering.list("interpreter", getInterpreter()), rendering.text(getProjectDir()).orElse(null), engine(rendering),
            rendering.list("dependencies", getDependencies()), rendering.bool("debug", getDebug()).orElse(false), judgement(rendering)
        );
    }

    @Override
    protected Secrets secrets(RunContext runContext, Rendering rendering, CommandsWrapper wrapper) throws Exception {
        Secrets secrets = super.secrets(runContext, rendering, wrapper);
        return new Secrets(secrets.profiles(), Map.of(), Map.of(), script(runContext, rendering, wrapper));
    }

    private String script(RunContext runContext, Rendering rendering, CommandsWrapper wrapper) throws IllegalVariableEvaluationException, IOException {
        List<String> lines = new ArrayList<>();
        if (rendering.bool("failFast", failFast).orElse(true)) {
            lines.add("set -e");
        }
        boolean relativePaths = wrapper.getTaskRunner() instanceof RemoteRunnerInterface;
        for (String command : runContext.render(commands).asList(String.class, variables(runContext, wrapper))) {
            lines.add(ScriptService.replaceInternalStorage(runContext, command, relativePaths));
        }
        return String.join("\n", lines) + "\n";
    }

    /** What commands may name, as in Kestra's script tasks: {@code workingDir}, {@code outputDir} and {@code outputFiles}. */
    private static Map<String, Object> variables(RunContext runContext, CommandsWrapper wrapper) throws IllegalVariableEvaluationException {
        Map<String, Object> variables = new HashMap<>(wrapper.getTaskRunner().additionalVars(runContext, wrapper));
        Object workingDir = variables.getOrDefault(ScriptService.VAR_WORKING_DIR, wrapper.getWorkingDirectory());
        variables.put(
            "outputFiles",
            wrapper.getOutputFiles().stream().filter(DbtCLI::isPath).distinct().collect(Collectors.toMap(name -> name, name -> workingDir + "/" + name))
        );
        return variables;
    }

    private static boolean isPath(String pattern) {
        return pattern.chars().noneMatch(c -> c == '*' || c == '?' || c == '[');
    }
}
