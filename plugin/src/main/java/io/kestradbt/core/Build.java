package io.kestradbt.core;

import java.util.List;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.core.options.EmptyOptions;
import io.kestradbt.core.options.EventTimeOptions;
import io.kestradbt.core.options.FullRefreshOptions;
import io.kestradbt.core.options.IndirectSelectionOptions;
import io.kestradbt.core.options.NodeExecutionOptions;
import io.kestradbt.core.options.NodeSelectionOptions;
import io.kestradbt.core.options.OnEmptyOptions;
import io.kestradbt.core.options.ResourceTypeOptions;
import io.kestradbt.core.options.ResumeOptions;
import io.kestradbt.core.options.RetryNodes;
import io.kestradbt.core.options.RetryNodesOptions;
import io.kestradbt.core.options.StateOptions;
import io.kestradbt.core.options.StoreFailuresOptions;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** {@code dbt build}. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Build a dbt project: seeds, models, snapshots and their tests, in order",
    description = """
        Runs `dbt build` on any task runner. Every node becomes a task run of its own, with its true times and its own log, and tests are shown
        under what they test. dbt's artifacts are kept, also of a failed run, and a test that only warns makes the task WARNING."""
)
@Plugin(
    aliases = "io.kestra.plugin.dbt.cli.Build",
    examples = {
        @Example(
            full = true,
            title = "Build a small project with DuckDB. dbt is installed once and kept.",
            code = """
                id: dbt_build
                namespace: company.team

                tasks:
                  - id: build
                    type: io.kestradbt.core.Build
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
                            threads: 4
                    inputFiles:
                      dbt_project.yml: |
                        name: shop
                        profile: shop
                      models/orders.sql: |
                        select 1 as order_id, 42 as amount
                      models/orders.yml: |
                        models:
                          - name: orders
                            columns:
                              - name: order_id
                                data_tests: [unique, not_null]

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.build.summary.nodes }} nodes in {{ outputs.build.summary.seconds }} s"
                """
        ),
        @Example(
            full = true,
            title = "Build a project of the namespace files every morning, with the password of the warehouse as a secret.",
            code = """
                id: dbt_nightly
                namespace: company.team

                tasks:
                  - id: build
                    type: io.kestradbt.core.Build
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
                    exclude:
                      - tag:hourly
                    threads: 8
                    generateDocs: true

                triggers:
                  - id: every_morning
                    type: io.kestra.plugin.core.trigger.Schedule
                    cron: "0 6 * * *"
                """
        ),
        @Example(
            full = true,
            title = "Let people choose what to build, and rebuild it from nothing if they say so.",
            code = """
                id: dbt_build_selected
                namespace: company.team

                inputs:
                  - id: select
                    type: ARRAY
                    itemType: STRING
                    defaults: ["+fct_orders"]
                  - id: full_refresh
                    type: BOOL
                    defaults: false

                tasks:
                  - id: build
                    type: io.kestradbt.core.Build
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
                    select: "{{ inputs.select }}"
                    indirectSelection: BUILDABLE
                    fullRefresh: "{{ inputs.full_refresh }}"
                    vars:
                      run_date: "{{ execution.startDate | date('yyyy-MM-dd') }}"

                errors:
                  - id: which
                    type: io.kestra.plugin.core.log.Log
                    message: "Failed: {{ outputs.build.failed ?? 'dbt did not start' }}"
                """
        ),
        @Example(
            full = true,
            title = "Build production every night. Nodes that meet a lock or a lost connection are tried again; a build that failed goes on where it stopped; a success is kept as the state of production.",
            code = """
                id: dbt_production
                namespace: company.team

                tasks:
                  - id: build
                    type: io.kestradbt.core.Build
                    namespaceFiles:
                      enabled: true
                    projectDir: shop
                    dependencies:
                      - dbt-core>=1.10,<1.12
                      - dbt-duckdb
                    profiles:
                      shop:
                        target: prod
                        outputs:
                          prod:
                            type: duckdb
                            path: shop.duckdb
                    state: auto
                    resume: true
                    retryNodes:
                      attempts: 3
                      backoff: PT5S
                    retry:
                      type: constant
                      interval: PT1M
                      maxAttempts: 3
                """
        ),
        @Example(
            full = true,
            title = "Build only what differs from production's last success, on top of production's relations.",
            code = """
                id: dbt_slim_ci
                namespace: company.team

                tasks:
                  - id: build
                    type: io.kestradbt.core.Build
                    namespaceFiles:
                      enabled: true
                    projectDir: shop
                    dependencies:
                      - dbt-core>=1.10,<1.12
                      - dbt-duckdb
                    profiles:
                      shop:
                        target: ci
                        outputs:
                          ci:
                            type: duckdb
                            path: shop.duckdb
                    state: auto:prod
                    defer: true
                    select:
                      - state:modified+
                """
        )
    }
)
public class Build extends AbstractDropInCommand
    implements NodeSelectionOptions, ResourceTypeOptions, NodeExecutionOptions, FullRefreshOptions, EmptyOptions, EventTimeOptions,
    IndirectSelectionOptions, StoreFailuresOptions, StateOptions, OnEmptyOptions, ResumeOptions, RetryNodesOptions {

    private Property<List<String>> select;

    private Property<List<String>> exclude;

    private Property<String> selector;

    private Property<List<String>> resourceTypes;

    private Property<List<String>> excludeResourceTypes;

    private Property<Integer> threads;

    private Property<Boolean> failFast;

    private Property<Boolean> fullRefresh;

    private Property<Boolean> empty;

    private Property<String> eventTimeStart;

    private Property<String> eventTimeEnd;

    private Property<String> sample;

    private Property<IndirectSelection> indirectSelection;

    private Property<Boolean> storeFailures;

    private Property<String> state;

    private Property<Boolean> defer;

    private Property<String> deferState;

    private Property<Boolean> favorState;

    private Property<Boolean> resume;

    private RetryNodes retryNodes;

    @Schema(title = "Export saved queries", description = "Of the semantic layer: the exports of the selected ones are written too. Unset or `false`: they are not.")
    @PluginProperty(group = "execution")
    private Property<Boolean> exportSavedQueries;

    @Schema(title = "Write the documentation too", description = "After a success, as the artifacts `catalog.json` and `docs.html`, one static page.")
    @PluginProperty(group = "main")
    @Builder.Default
    private Property<Boolean> generateDocs = Property.ofValue(false);

    private Property<OnEmpty> onEmpty;

    @Override
    protected List<String> command(Rendering rendering) {
        return List.of("build");
    }

    @Override
    protected void addOptions(Options options) throws IllegalVariableEvaluationException {
        addNodeSelection(options);
        addResourceTypes(options);
        addNodeExecution(options);
        addFullRefresh(options);
        addEmpty(options);
        addEventTime(options);
        addIndirectSelection(options);
        addStoreFailures(options);
        addState(options);
        options.bool("exportSavedQueries", exportSavedQueries);
    }

    @Override
    protected boolean docs(Rendering rendering) throws IllegalVariableEvaluationException {
        return rendering.bool("generateDocs", generateDocs).orElse(false);
    }
}
