package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.EmptyOptions;
import io.kestradbt.core.options.EventTimeOptions;
import io.kestradbt.core.options.FullRefreshOptions;
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

/** {@code dbt run}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run the models of a dbt project",
    description = """
        Runs `dbt run`: models alone, in order, without seeds, snapshots and tests; `Build` does all of these. Every node becomes a task run of its
        own, with its true times and its own log."""
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Run",
    examples = {
        @Example(
            full = true,
            title = "Load the seeds, then run a model with all that it reads, in one folder.",
            code = """
                id: dbt_run
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
                      - id: seeds
                        type: io.kestradbt.core.Seed
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb

                      - id: models
                        type: io.kestradbt.core.Run
                        projectDir: shop
                        dependencies:
                          - dbt-core>=1.10,<1.12
                          - dbt-duckdb
                        select:
                          - +fct_orders
                        threads: 4
                """
        ),
        @Example(
            full = true,
            title = "Build one day of the microbatch models again.",
            code = """
                id: dbt_run_a_day
                namespace: company.team

                inputs:
                  - id: day
                    type: DATE
                    defaults: "2026-01-01"

                tasks:
                  - id: models
                    type: io.kestradbt.core.Run
                    namespaceFiles:
                      enabled: true
                    projectDir: events
                    dependencies:
                      - dbt-core>=1.10,<1.12
                      - dbt-postgres
                    profiles:
                      events:
                        target: prod
                        outputs:
                          prod:
                            type: postgres
                            host: warehouse.example.com
                            port: 5432
                            user: dbt
                            password: "{{ secret('WAREHOUSE_PASSWORD') }}"
                            dbname: analytics
                            schema: events
                    select:
                      - events_by_hour
                    eventTimeStart: "{{ inputs.day }}"
                    eventTimeEnd: "{{ inputs.day | dateAdd(1, 'DAYS') | date('yyyy-MM-dd') }}"
                """
        )
    }
)
public class Run extends AbstractDropInCommand
    implements OnEmptyOptions, NodeSelectionOptions, NodeExecutionOptions, FullRefreshOptions, EmptyOptions, EventTimeOptions, StateOptions, ResumeOptions, RetryNodesOptions {
    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<Integer> threads;

    private Property<Boolean> failFast;

    private Property<Boolean> fullRefresh;

    private Property<Boolean> empty;

    private Property<String> eventTimeStart;

    private Property<String> eventTimeEnd;

    private Property<String> sample;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    private Property<OnEmpty> onEmpty;

    private Property<Boolean> resume;

    private RetryNodes retryNodes;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("run");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addNodeExecution(options);
        addFullRefresh(options);
        addEmpty(options);
        addEventTime(options);
        addState(options);
    }
}
