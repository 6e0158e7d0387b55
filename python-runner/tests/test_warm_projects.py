"""Nodes of a pack over processes that have the project in memory: as in the whole of it, and none knows of another."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import Run, Runner, duckdb_profile
from waiting import wait_until
from warm_worker import servers

from kestra_dbt.protocol import DbtCommand, DbtOptions, FailureCode, GraphNode, Outcome, Secrets

FILES = {
    "dbt_project.yml": """
name: shop
profile: shop
models: {+materialized: table}
on-run-end: "create or replace table hooked as select id from {{ ref('raw') }}"
""",
    "models/raw.sql": "select 1 as id",
    "models/hidden.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('raw') }}",
    "models/top.sql": """
select id, {{ graph.nodes | length if execute else 0 }} as nodes, '{{ env_var("PLACE", "none") }}' as place
from {{ ref('hidden') }}
""",
    "models/far.sql": "select id from {{ ref('top') }}",
    "models/models.yml": """
models:
  - name: top
    data_tests: [small]
    columns:
      - name: id
        data_tests:
          - relationships: {arguments: {to: ref('raw'), field: id}}
unit_tests:
  - name: keeps_the_id
    model: top
    given:
      - input: ref('hidden')
        format: sql
        rows: select 7 as id
    expect: {rows: [{id: 7}]}
""",
    "tests/generic/small.sql": "{% test small(model) %} select id from {{ model }} where id > 5 {% endtest %}",
}

READ = "The project was read in"

Node = Callable[..., Run]


@pytest.fixture
def node(carry_out: Runner, worker: dict[str, str], tmp_path: Path) -> Node:
    """Return a function that runs nodes of a pack of the project above."""
    project = tmp_path / "project"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    secrets = Secrets(profiles=duckdb_profile().replace("dev.duckdb", str(tmp_path / "dev.duckdb")))
    parse = DbtCommand(command=["parse"], pack=True, options=DbtOptions(project_dir=str(project)))
    pack = shutil.copy(carry_out(parse, secrets).artifact("pack.zip"), tmp_path / "pack.zip")

    def run(*nodes: str, profiles: str | None = None, **env: str) -> Run:
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        used = Secrets(profiles=profiles) if profiles else secrets
        return carry_out(GraphNode(pack=str(pack), nodes=list(nodes)), used, folder=folder, env={**worker, **env})

    return run


def read_anew(run: Run) -> bool:
    """Tell whether a process was made that has the project in memory; nothing may have gone on as a plain one."""
    assert not any("a plain one goes on" in line for line in run.plain), run
    return any(READ in line for line in run.plain)


def table(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """Return what is in the warehouse."""
    with duckdb.connect(str(folder / "dev.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def ids_of_tests(pack: Path) -> list[str]:
    """Return the ids of the tests in a pack."""
    with zipfile.ZipFile(pack) as archive:
        known = json.loads(archive.read("pack.json"))["nodes"]
    return [unique_id for unique_id, kind in known.items() if kind in ("test", "unit_test")]


def test_a_part_of_the_project_is_as_the_whole(node: Node, tmp_path: Path) -> None:
    """Ephemeral models, unit tests, hooks, tests of two models and `graph` have what they need of it."""
    first = node("model.shop.raw")
    assert first.ended.outcome is Outcome.SUCCESS, first
    assert read_anew(first)
    tests = ids_of_tests(tmp_path / "pack.zip")
    assert len(tests) == 3
    second = node("model.shop.top", *tests)
    assert second.ended.outcome is Outcome.SUCCESS, second.failure
    assert not read_anew(second)
    assert set(second.nodes) == {"model.shop.top", *tests, "operation.shop.shop-on-run-end-0"}
    models, data_tests, hooks = 4, 2, 1
    assert table(tmp_path, "select id, nodes from top") == [(1, models + data_tests + hooks)], "of the whole project"
    assert table(tmp_path, "select * from hooked") == [(1,)]
    results = json.loads(second.artifact("run_results.json").read_text())["results"]
    assert {result["unique_id"] for result in results} == set(second.nodes)
    assert "hidden" in next(r["compiled_code"] for r in results if r["unique_id"] == "model.shop.top")


def test_what_one_request_is_given_no_other_has(node: Node, worker: dict[str, str], tmp_path: Path) -> None:
    """Other variables and other profiles have other processes; a failure of one is no other's."""
    node("model.shop.raw")
    there = len(servers(worker["KESTRA_DBT_CACHE"]))
    one = node("model.shop.top", PLACE="one")
    assert read_anew(one)
    assert table(tmp_path, "select place from top") == [("one",)]
    assert len(servers(worker["KESTRA_DBT_CACHE"])) == there + 1
    other = node("model.shop.top")
    assert not read_anew(other)
    assert table(tmp_path, "select place from top") == [("none",)]
    elsewhere = node("model.shop.top", profiles=duckdb_profile().replace("dev.duckdb", str(tmp_path / "other.duckdb")))
    assert elsewhere.failure.code is FailureCode.REQUEST, elsewhere
    assert not read_anew(node("model.shop.top")), "the one before still has its own"


def test_only_so_many_projects_are_in_memory(node: Node, worker: dict[str, str]) -> None:
    """The one that was not asked for longest leaves; one that was killed is made anew."""
    for number in range(5):
        assert read_anew(node("model.shop.raw", PLACE=str(number))), number
    wait_until(lambda: len(servers(worker["KESTRA_DBT_CACHE"])) == 1 + 4)
    assert not read_anew(node("model.shop.raw", PLACE="4"))
    assert read_anew(node("model.shop.raw", PLACE="0"))
    for pid in servers(worker["KESTRA_DBT_CACHE"])[1:]:
        os.kill(pid, signal.SIGKILL)
    assert read_anew(node("model.shop.raw", PLACE="0"))


@pytest.mark.usefixtures("node")
def test_many_at_once_beside_one_that_hangs(worker: dict[str, str], tmp_path: Path) -> None:
    """Fifty requests are all carried out, over one project read once; one that hangs keeps none, and is ended."""
    secrets = Secrets(profiles=duckdb_profile()).to_environment()  # a file in the folder of each request
    env = {**os.environ, **worker, "KESTRA_DBT_SECRETS": secrets, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    request = json.dumps(
        {"version": "1.0", "kind": "graph_node", "pack": str(tmp_path / "pack.zip"), "nodes": ["model.shop.raw"]}
    )

    def start(number: int) -> subprocess.Popen[str]:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "request.json").write_text(request)
        command = [sys.executable, "-m", "kestra_dbt", "run", "request.json", "--output", "output"]
        return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)

    def forks() -> list[int]:
        named = {pid: Path(f"/proc/{pid}/comm").read_text() for pid in servers(worker["KESTRA_DBT_CACHE"])}
        return [pid for pid, name in named.items() if name == "kestra-dbt run\n"]

    assert READ in start(51).communicate(timeout=60)[0]
    with start(0) as hanging:
        wait_until(lambda: len(forks()) > 1)  # the supervisor and its dbt
        for pid in forks():
            os.kill(pid, signal.SIGSTOP)
        hanging.kill()
    said = [process.communicate(timeout=300)[0] for process in [start(number) for number in range(1, 51)]]
    assert sum('"outcome":"success","exit_code":0' in text for text in said) == 50, said[0]
    assert sum(READ in text for text in said) == 0
    wait_until(lambda: not forks())  # the supervisor is given up at once, and so is its dbt then
