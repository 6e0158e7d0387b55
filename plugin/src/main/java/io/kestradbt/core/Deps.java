package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.dropin.WithoutMeaning;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt deps}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Install the packages of a dbt project",
    description = "Runs `dbt deps`: what `packages.yml` names goes into the folder `dbt_packages` of the project. The tasks that follow see it only in the same `WorkingDirectory`."
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Deps",
    examples = {
        @Example(
            full = true,
            title = "Install packages, then build with them.",
            code = """
                id: dbt_deps
                namespace: company.team

                tasks:
                  - id: together
                    type: io.kestra.plugin.core.flow.WorkingDirectory
                    namespaceFiles:
                      enabled: true
                    inputFiles:
                      profiles.yml: |
                        shop:
                          target: dev
                          outputs:
                            dev:
                              type: duckdb
                              path: shop.duckdb
                    tasks:
                      - id: packages
                        type: io.kestradbt.core.Deps
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb

                      - id: build
                        type: io.kestradbt.core.Build
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb
                        select:
                          - resource_type:seed
                """
        )
    }
)
public class Deps extends AbstractDropInCommand implements WithoutMeaning.FullRefresh, WithoutMeaning.FailFast, WithoutMeaning.Selection {
    @Schema(title = "Upgrade packages", description = "To the newest versions that `packages.yml` allows, past `package-lock.yml`. Unset or `false`: as locked.")
    @PluginProperty(group = "execution")
    private Property<Boolean> upgrade;

    @Schema(title = "Only lock", description = "Writes `package-lock.yml` and installs nothing. Unset or `false`: packages are installed.")
    @PluginProperty(group = "execution")
    private Property<Boolean> lock;

    private Property<Boolean> fullRefresh;

    private Property<Boolean> failFast;

    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("deps");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        options.bool("upgrade", upgrade).bool("lock", lock);
    }
}
