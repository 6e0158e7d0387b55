"""What dbt is helped with in large projects has the results that dbt has by itself."""

import json
import os
import random
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from conftest import Runner, duckdb_profile, write_files
from dbt.graph.graph import Graph
from networkx import DiGraph

from kestra_dbt.core.shortcuts import take_shortcuts
from kestra_dbt.protocol import DbtCommand, DbtOptions, FailureCode, Outcome, Secrets

SECRETS = Secrets(profiles=duckdb_profile("chain"))
BUILD = DbtCommand(command=["build"])
FILES = {
    "dbt_project.yml": "{name: chain, profile: chain}",
    "models/a.sql": "select 1 as id, 'ä' as letter",
    "models/b.sql": "select id from {{ ref('a') }}",
    "models/c.sql": "select id from {{ ref('b') }}",
    "models/models.yml": """
models:
  - {name: a, columns: [{name: id, data_tests: [unique, not_null]}]}
  - name: b
    columns:
      - {name: id, data_tests: [{relationships: {arguments: {to: ref('a'), field: id}}}]}
""",
}
OF_EACH_KIND = FILES | {
    "dbt_project.yml": "{name: chain, profile: chain, on-run-start: ['select 1']}",
    "models/off.sql": "{{ config(enabled=false) }} select 1 as id",
    "models/seen.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('a') }}",
    "models/sees.sql": "select id from {{ ref('seen') }} union all select id from {{ ref('sown') }}",
    "models/more.yml": """
models: [{name: c, description: "{{ doc('words') }}", group: all}]
groups: [{name: all, owner: {name: somebody}}]
sources: [{name: outside, tables: [{name: t}]}]
exposures: [{name: report, type: dashboard, owner: {name: somebody}, depends_on: [ref('c')]}]
unit_tests: [{name: b_is_a, model: b, given: [{input: ref('a'), rows: [{id: 1}]}], expect: {rows: [{id: 1}]}}]
""",
    "models/words.md": "{% docs words %} Many. {% enddocs %}",
    "macros/same.sql": "{% macro same(value) %}{{ value }}{% endmacro %}",
    "seeds/sown.csv": "id\n1\n",
    "snapshots/kept.yml": "snapshots: [{name: kept, relation: ref('a'), config: "
    "{unique_key: id, strategy: check, check_cols: all}}]",
}
OF_EACH_RUN = frozenset(
    {"created_at", "generated_at", "invocation_id", "invocation_started_at", "root_path", "run_started_at", "user_id"}
)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Return a project of three models, each of which reads the one before, with tests of the first two."""
    return write_files(tmp_path / "chain", FILES)


def by_dbt_alone(folder: Path, *arguments: str) -> Path:
    """Return the target folder of dbt's own command."""
    (folder / "profiles.yml").write_text(duckdb_profile("chain"))
    command = [str(Path(sys.executable).parent / "dbt"), "--no-send-anonymous-usage-stats", *arguments]
    subprocess.run(command, cwd=folder, env=os.environ, check=True, capture_output=True)
    return folder / "target"


def lasting(value: Any) -> Any:  # noqa: ANN401
    """Return what is in an artifact, without what differs from run to run."""
    if isinstance(value, dict):
        return {name: lasting(inner) for name, inner in value.items() if name not in OF_EACH_RUN}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("select", [[], ["a", "b", "sown"], ["+sees", "b+1"]], ids=" ".join)
def test_artifacts_are_as_dbt_writes_them(carry_out: Runner, tmp_path: Path, select: list[str]) -> None:
    """Also in how they are written; the order of the nodes is that of the files on the disk."""
    project = write_files(tmp_path / "project", OF_EACH_KIND)
    run = carry_out(DbtCommand(command=["build"], options=DbtOptions(select=select)), SECRETS, folder=project)
    assert run.code == 0, run.failure
    words = ["--select", *select] if select else []
    alone = by_dbt_alone(write_files(tmp_path / "alone", OF_EACH_KIND), "build", *words)
    theirs = (alone / "manifest.json").read_text()
    ours = run.artifact("manifest.json").read_text()
    assert json.dumps(json.loads(ours)) == ours
    assert json.dumps(json.loads(theirs)) == theirs
    assert list(json.loads(ours)) == list(json.loads(theirs))
    assert lasting(json.loads(ours)) == lasting(json.loads(theirs))


def test_a_queue_has_what_dbt_puts_into_it() -> None:
    """Of any selection of any graph: the same nodes in the same order, and the same that come before others."""
    take_shortcuts()
    subset: Any = Graph.get_subset_graph
    for number in range(300):
        chance = random.Random(number)  # noqa: S311 - it decides nothing that matters
        nodes = [f"model.{i}" for i in range(chance.randint(1, 14))]
        graph = DiGraph()
        graph.add_nodes_from(chance.sample(nodes, len(nodes)))
        graph.add_edges_from((a, b) for a, b in combinations(nodes, 2) if chance.random() < chance.random() / 2)
        selected = chance.sample(nodes, chance.randint(0, len(nodes)))
        ours, theirs = subset(Graph(graph), selected).graph, subset.__wrapped__(Graph(graph), selected).graph
        assert (list(ours), set(ours.edges)) == (list(theirs), set(theirs.edges)), (list(graph.edges), selected)


def edges_of_tests(target: Path) -> set[tuple[str, str]]:
    """Return by short name which model waits for which test."""
    nodes = json.loads((target / "graph_summary.json").read_text())["with_test_edges"]
    names = {number: node["name"].split(".")[2].split("_")[0] for number, node in nodes.items()}
    tests = {number for number, node in nodes.items() if node["type"] == "test"}
    return {(names[test], names[str(model)]) for test in tests for model in nodes[test].get("succ", ())}


def test_models_wait_for_tests_of_those_they_read(carry_out: Runner, chain: Path, tmp_path: Path) -> None:
    """The last model waits for tests of the first one by way of the second; dbt alone says so for each pair."""
    assert carry_out(BUILD, SECRETS, folder=chain).code == 0
    nearest = {("unique", "b"), ("not", "b"), ("relationships", "c")}
    assert edges_of_tests(chain / "target") == nearest
    asked = carry_out(
        BUILD, SECRETS, folder=write_files(tmp_path / "asked", FILES), env={"DBT_USE_FAST_TEST_EDGES": "false"}
    )
    assert asked.code == 0
    assert edges_of_tests(tmp_path / "asked" / "target") == nearest | {("unique", "c"), ("not", "c")}


def test_all_that_comes_after_a_failed_test_is_left_out(carry_out: Runner, chain: Path) -> None:
    """The one that reads what was tested, and what reads that one."""
    (chain / "models/a.sql").write_text("select 1 as id union all select 1")
    run = carry_out(BUILD, SECRETS, folder=chain)
    assert run.code == 1
    skipped = {name.split(".")[2] for name, node in run.nodes.items() if node.outcome is Outcome.SKIPPED}
    assert {"b", "c"} <= skipped, run


def test_a_cycle_is_named(carry_out: Runner, chain: Path) -> None:
    """As dbt names it, for that is what there is to mend."""
    (chain / "models/a.sql").write_text("select 1 as id from {{ ref('c') }}")
    run = carry_out(BUILD, SECRETS, folder=chain)
    assert run.failure.code is FailureCode.PROJECT, run
    assert re.search("has a cycle, model.chain.. --> model.chain.. --> model.chain..: have", run.failure.sentence)
