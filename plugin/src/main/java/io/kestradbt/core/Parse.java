package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.ThreadOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt parse}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Parse a dbt project",
    description = "Runs `dbt parse`: reads the project without the warehouse and writes the artifact `manifest.json`. Says whether its files are in order."
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "Keep the manifest of the project as it is now, for `state:modified` of later runs.",
            code = """
                id: dbt_parse
                namespace: company.team

                tasks:
                  - id: project
                    type: io.kestradbt.core.Parse
                    namespaceFiles:
                      enabled: true
                    projectDir: shop
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

                  - id: keep
                    type: io.kestra.plugin.core.kv.Set
                    key: dbt_manifest
                    value: "{{ outputs.project.artifacts['manifest.json'] }}"
                """
        )
    }
)
public class Parse extends AbstractDbtCommand implements ThreadOptions {
    private Property<Integer> threads;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("parse");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addThreads(options);
    }
}
