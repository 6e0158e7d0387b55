"""Every task of one dbt command, chained in one folder: what each hands on, and what the Gantt shows of it."""

import json
import textwrap
from typing import Any

import flows
import pytest
from client import Result
from conftest import RunFlow
from test_core_build import assert_node_runs_are_true, node_runs

PROFILES = flows.PROFILES.replace("  outputs:\n", "  outputs:\n    ci: {type: duckdb, path: dev.duckdb, schema: ci}\n")

TASKS = """
    - id: deps
      type: io.kestradbt.core.Deps
    - id: parse
      type: io.kestradbt.core.Parse
    - id: seed
      type: io.kestradbt.core.Seed
      threads: 2
    - id: run
      type: io.kestradbt.core.Run
      select: [stg_orders, stg_products]
    - id: test
      type: io.kestradbt.core.Test
      select: [stg_orders]
      indirectSelection: CAUTIOUS
    - id: snapshot
      type: io.kestradbt.core.Snapshot
    - id: freshness
      type: io.kestradbt.core.Freshness
    - id: compile
      type: io.kestradbt.core.Compile
      select: [fct_orders]
    - id: list
      type: io.kestradbt.core.List
      select: ["tag:mart"]
      resourceTypes: [model]
    - id: names
      type: io.kestra.plugin.core.log.Log
      message: "Listed: {{ fromIon(read(outputs.list.nodes), allRows=true) | jq('.[].name') | join(' ') }}"
    - id: show
      type: io.kestradbt.core.Show
      select: [stg_products]
      limit: 3
    - id: operation
      type: io.kestradbt.core.RunOperation
      macro: log_outcome
      macroArgs: {results: [{status: hunter2-planted}]}
    - id: clone
      type: io.kestradbt.core.Clone
      target: ci
      select: [stg_products]
      inputFiles:
        state/manifest.json: "{{ outputs.run.artifacts['manifest.json'] }}"
      state: state
    - id: docs
      type: io.kestradbt.core.Docs
    - id: retry
      type: io.kestradbt.core.Retry
      inputFiles:
        earlier/run_results.json: "{{ outputs.run.artifacts['run_results.json'] }}"
      state: earlier
"""


def together(tasks: str, profiles: str = PROFILES) -> str:
    """Return a flow whose tasks share a folder with the namespace's files and a profiles.yml."""
    head = "id: commands\nnamespace: company.tests\ntasks:\n  - id: together\n"
    body = "type: io.kestra.plugin.core.flow.WorkingDirectory\nnamespaceFiles:\n  enabled: true\n"
    files = "inputFiles:\n  profiles.yml: |\n" + textwrap.indent(profiles, "    ")
    listed = "tasks:\n" + textwrap.indent(textwrap.dedent(tasks).strip(), "  ") + "\n"
    return head + textwrap.indent(body + files + listed, "    ")


def nodes_of(result: Result, task_id: str) -> dict[str, str]:
    """Return the states of the nodes of a task, by label."""
    below, found = {result.task_run(task_id)["id"]}, {}
    for run in result.task_runs:
        if run.get("parentTaskRunId") in below and run["taskId"] != task_id:
            below.add(run["id"])
            found[run["taskId"]] = run["state"]["current"]
    return found


def rows(result: Result, file: str) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    return [json.loads(line) for line in result.files[file].read_text().splitlines()]


@pytest.mark.by_turns
def test_every_command(run_flow: RunFlow) -> None:
    """Each task does its part, and hands on what the next ones read."""
    result = run_flow(together(TASKS), timeout=400)  # fourteen times dbt
    states = {run["taskId"]: run["state"]["current"] for run in result.task_runs if not run.get("value")}
    assert states == {
        **dict.fromkeys(("deps", "parse", "seed", "run", "test", "snapshot", "freshness", "compile"), "SUCCESS"),
        **dict.fromkeys(("list", "names", "show", "operation", "clone", "docs"), "SUCCESS"),
        **dict.fromkeys(("retry", "together"), "WARNING"),
    }, result.log_text[-5000:]
    files = set(result.files)
    assert {"parse/manifest.json", "docs/docs.html", "docs/catalog.json", "docs/manifest.json"} <= files
    assert {"freshness/sources.json", "compile/target.zip", "snapshot/run_results.json"} <= files

    assert {"stg_orders", "stg_products"} <= set(nodes_of(result, "run"))
    assert {"customers", "orders", "order_lines", "products"} <= set(nodes_of(result, "seed"))
    assert nodes_of(result, "freshness")["web_shop.orders"] == "SUCCESS"
    assert nodes_of(result, "compile")["fct_orders"] == "SUCCESS"
    assert "products_snapshot" in nodes_of(result, "snapshot")
    assert nodes_of(result, "clone")["stg_products"] == "SUCCESS"
    assert {state for task in ("run", "seed", "test") for state in nodes_of(result, task).values()} == {"SUCCESS"}
    for task in ("deps", "parse", "list", "operation", "docs"):
        assert not nodes_of(result, task), task

    listed = rows(result, "list/nodes.ion")
    assert result.outputs("list")["count"] == len(listed) > 3
    assert {"fct_orders", "dim_customers"} <= {row["name"] for row in listed}
    assert all("mart" in row["tags"] for row in listed)
    assert f"Listed: {' '.join(row['name'] for row in listed)}" in result.log_text
    assert result.outputs("show")["rows"].endswith(".ion")
    assert (result.outputs("show")["count"], len(rows(result, "show/rows.ion"))) == (3, 3)
    assert set(nodes_of(result, "show")) == {"stg_products"}

    assert "Shop outcome: 1 hunter2-planted" in result.log_text, "the macro has its argument"
    assert "`dbt retry` retried nothing: no node of the earlier run failed or was skipped." in result.log_text


@pytest.mark.by_turns
def test_a_retry_of_another_run(run_flow: RunFlow) -> None:
    """What failed is tried again, in a folder of its own, from the run results alone; it fails with its own reason."""
    text = flows.build("allowFailure: true", task_id="build") + textwrap.indent(
        textwrap.dedent("""
            - id: again
              type: io.kestradbt.core.Retry
              namespaceFiles: {enabled: true}
              inputFiles:
                state/run_results.json: "{{ outputs.build.artifacts['run_results.json'] }}"
              state: state
        """)
        + "  profiles: |\n"
        + textwrap.indent(PROFILES, "    "),
        "  ",
    )
    result = run_flow(text, project="broken/failing_model")
    assert result.state == "FAILED"
    assert nodes_of(result, "again") == {"boom": "FAILED", "after_boom": "SKIPPED"}
    assert result.outputs("again")["failed"] == ["model.failing_model.boom"]


@pytest.mark.by_turns
def test_everything_special(run_flow: RunFlow) -> None:
    """Hooks, batches, versions, unit tests and ids of 300 characters are task runs like any other, one each."""
    span = "eventTimeStart: '2026-01-01'\neventTimeEnd: '2026-01-04'"
    result = run_flow(flows.build(span), project="special")
    assert result.state == "WARNING", result.log_text[-3000:]
    assert_node_runs_are_true(result)
    assert {"batched", "thing.v1", "thing.v2", "special-on-run-start-0"} <= set(nodes_of(result, "build"))
    assert max(len(unique_id) for unique_id in node_runs(result)) > 300
