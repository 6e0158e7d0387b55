package io.kestradbt.core;

import java.util.List;
import java.util.Map;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt run-operation}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run a macro of a dbt project",
    description = "Runs `dbt run-operation`. What the macro logs is in the task's log; what it raises fails the task."
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Run a macro of the project with arguments.",
            code = """
                id: dbt_run_operation
                namespace: company.team

                tasks:
                  - id: vacuum
                    type: io.kestradbt.core.RunOperation
                    inputFiles:
                      dbt_project.yml: |
                        name: shop
                        profile: shop
                      macros/tidy.sql: |
                        {% raw %}{% macro tidy(days) %}{% endraw %}
                          {% raw %}{{ log("Rows older than " ~ days ~ " days", info=true) }}{% endraw %}
                        {% raw %}{% endmacro %}{% endraw %}
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
                    macro: tidy
                    macroArgs:
                      days: 30
                """
        )
    }
)
public class RunOperation extends AbstractDbtCommand {
    @Schema(title = "Macro", description = "Its name, as `tidy`, or with its package, as `dbt_utils.tidy`.")
    @PluginProperty(group = "main")
    @NotNull
    private Property<String> macro;

    @Schema(
        title = "Arguments of the macro",
        description = """
            A map by the macro's parameters. They are passed in the environment, never in a file or on a command line; but dbt itself writes them into
            the artifact `run_results.json`, so a macro reads a password better by `env_var`. Unset: none."""
    )
    @PluginProperty(group = "main")
    @ToString.Exclude
    private Property<Map<String, Object>> macroArgs;

    @Override
    protected List<String> command(Rendering rendering) throws IllegalVariableEvaluationException {
        String name = rendering.text(macro).orElseThrow(() -> new IllegalArgumentException("`macro` is empty: name the macro to run."));
        return List.of("run-operation", name);
    }

    @Override
    protected void addOptions(Options options) {
        // none of its own
    }

    @Override
    protected Map<String, Object> macroArgs(Rendering rendering) throws IllegalVariableEvaluationException {
        return rendering.map("macroArgs", macroArgs);
    }
}
