package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.dropin.WithoutMeaning;
import io.kestradbt.core.options.EmptyOptions;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.ResumeOptions;
import io.kestradbt.core.options.RetryNodes;
import io.kestradbt.core.options.RetryNodesOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt snapshot}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Take the snapshots of a dbt project",
    description = "Runs `dbt snapshot`: notes in the warehouse what changed since the last one. Every node becomes a task run of its own, with its true times and its own log."
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Snapshot",
    examples = {
        @Example(
            full = true,
            title = "Take the snapshots every hour.",
            code = """
                id: dbt_snapshot
                namespace: company.team

                tasks:
                  - id: snapshots
                    type: io.kestradbt.core.Snapshot
                    namespaceFiles:
                      enabled: true
                    projectDir: shop
                    dependencies:
                      - dbt-core>=1.10,<1.12
                      - dbt-postgres
                    profiles:
                      shop:
                        target: prod
                        outputs:
                          prod:
                            type: postgres
                            host: warehouse.example.com
                            port: 5432
                            user: dbt
                            password: "{{ secret('WAREHOUSE_PASSWORD') }}"
                            dbname: analytics
                            schema: marts
                    threads: 4

                triggers:
                  - id: every_hour
                    type: io.kestra.plugin.core.trigger.Schedule
                    cron: "0 * * * *"
                """
        )
    }
)
public class Snapshot extends AbstractDropInCommand implements OnEmptyOptions, NodeSelectionOptions, NodeExecutionOptions, EmptyOptions, StateOptions, WithoutMeaning.FullRefresh, ResumeOptions, RetryNodesOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<Integer> threads;

    private Property<Boolean> failFast;

    private Property<Boolean> empty;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    private Property<OnEmpty> onEmpty;
    private Property<Boolean> fullRefresh;

    private Property<Boolean> resume;

    private RetryNodes retryNodes;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("snapshot");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addNodeExecution(options);
        addEmpty(options);
        addState(options);
    }
}
