"""Nodes of a pack over processes that have the project in memory: as in the whole of it, and none knows of another."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import duckdb_profile
from packed_shop import READ, Node, read_anew, table
from waiting import wait_until
from warm_worker import named

from kestra_dbt.protocol import FailureCode, Outcome, Secrets


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
    models, data_tests, hooks = 6, 2, 1
    assert table(tmp_path, "select id, nodes from top") == [(1, models + data_tests + hooks)], "of the whole project"
    assert table(tmp_path, "select * from hooked") == [(1,)]
    results = json.loads(second.artifact("run_results.json").read_text())["results"]
    assert {result["unique_id"] for result in results} == set(second.nodes)
    assert "hidden" in next(r["compiled_code"] for r in results if r["unique_id"] == "model.shop.top")


def test_what_one_request_is_given_no_other_has(node: Node, worker: dict[str, str], tmp_path: Path) -> None:
    """Other variables and other profiles have other processes; a failure of one is no other's."""
    node("model.shop.raw")
    there = len(named("pack", worker["KESTRA_DBT_CACHE"]))
    one = node("model.shop.top", PLACE="one")
    assert read_anew(one)
    assert table(tmp_path, "select place from top") == [("one",)]
    assert len(named("pack", worker["KESTRA_DBT_CACHE"])) == there + 1
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
    wait_until(lambda: len(named("pack", worker["KESTRA_DBT_CACHE"])) == 4)
    assert not read_anew(node("model.shop.raw", PLACE="4"))
    assert read_anew(node("model.shop.raw", PLACE="0"))
    for pid in named("pack", worker["KESTRA_DBT_CACHE"]):
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
        return named("run", worker["KESTRA_DBT_CACHE"])

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
