"""Requests for a project in a folder of their own, over a process that knows what dbt has parsed of it."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Run, Runner, duckdb_profile, write_files
from test_shortcuts import OF_EACH_KIND, by_dbt_alone, lasting
from waiting import wait_until
from warm_worker import named

from kestra_dbt.protocol import DbtCommand, DbtOptions, Outcome, Secrets
from kestra_dbt.warm.project_name import PACKED, PARSED
from kestra_dbt.warm.starting import has_room, is_asked_for_again

FILES = OF_EACH_KIND | {"models/who.sql": "select '{{ var('who', 'nobody') }}' as who"}
PROFILES = duckdb_profile("chain")


class Tasks:
    """Builds a project with nodes of each kind, in a new folder each time, whose name is longer than the one before."""

    def __init__(self, carry_out: Runner, place: Path, worker: dict[str, str]) -> None:
        self._carry_out = carry_out
        self._place = place
        self._worker = {**worker, "PYTEST_CURRENT_TEST": ""}  # which is another in a fixture
        self._number = 0
        wait_until(lambda: not self._named("next", "wait"))
        self._before = self.know()
        self.went_to_who_knows = False
        """Whether the last one was carried out by a process that knows a parse of it."""
        self.files = {**FILES, "dbt_project.yml": f"{FILES['dbt_project.yml']} # {place}"}

    @property
    def folder(self) -> Path:
        """Of the last one."""
        return self._place / ("work" * self._number)

    def build(self, *select: str, secrets: Secrets | None = None, **request: Any) -> Run:  # noqa: ANN401
        """Build it, or a part of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._number += 1
        asked = self._asked()
        run = self._carry_out(
            DbtCommand(command=["build"], options=DbtOptions(select=list(select)), **request),
            secrets or Secrets(profiles=PROFILES),
            folder=write_files(self.folder, self.files),
            env=self._worker,
        )
        self.went_to_who_knows = any(self._asked().get(socket, at) != at for socket, at in asked.items())
        assert run.ended.outcome is Outcome.SUCCESS, run
        assert not [line for line in run.plain if "a plain one goes on" in line]
        return run

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return what the last build has made."""
        with duckdb.connect(str(self.folder / "dev.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def know(self) -> set[int]:
        """Return the processes that know a parse, of whatever project."""
        return self._named("kept")

    def wait_for_who_knows(self) -> None:
        """Wait until there is one more of these."""
        wait_until(lambda: self.know() - self._before)
        (self.knows,) = self.know() - self._before

    def _named(self, *names: str) -> set[int]:
        return {pid for name in names for pid in named(name, self._worker["KESTRA_DBT_CACHE"])}

    def _asked(self) -> dict[Path, int]:
        """Return when each of those that know a parse was asked last."""
        folder = Path(self._worker["KESTRA_DBT_CACHE"])
        return {socket: socket.stat().st_mtime_ns for socket in folder.glob(f"warm/*/*{PARSED}")}


@pytest.fixture
def tasks(carry_out: Runner, tmp_path: Path, worker: dict[str, str]) -> Tasks:
    """Return tasks with a project of the test's own, whose last parse a process knows."""
    tasks = Tasks(carry_out, tmp_path, worker)
    for _ in range(3):  # the first has none to go on from, and what is asked for once more may not be again
        tasks.build()
        assert not tasks.went_to_who_knows
    tasks.wait_for_who_knows()
    return tasks


def manifest_of(target: Path) -> Any:  # noqa: ANN401
    """Return what is in a manifest and lasts."""
    return lasting(json.loads((target / "manifest.json").read_text()))


def test_artifacts_are_those_of_a_dbt_alone(tasks: Tasks, tmp_path: Path) -> None:
    """What was worked out before has the places of this task's folder."""
    run = tasks.build("a", "b", "sown")
    assert tasks.went_to_who_knows
    alone = by_dbt_alone(
        write_files(tmp_path / "alone", tasks.files), "build", "--use-fast-test-edges", "--select", "a", "b", "sown"
    )
    ours = run.artifact("manifest.json").read_text()
    assert json.dumps(json.loads(ours)) == ours
    assert manifest_of(tasks.folder / "target") == manifest_of(alone)
    assert json.loads(ours)["nodes"]["seed.chain.sown"]["root_path"] == str(tasks.folder)
    graphs = [pickle.loads((target / "graph.gpickle").read_bytes()) for target in (tasks.folder / "target", alone)]  # noqa: S301
    assert lasting(dict(graphs[0].nodes)) == lasting(dict(graphs[1].nodes))
    assert set(graphs[0].edges) == set(graphs[1].edges)
    assert graphs[0].nodes["seed.chain.sown"]["root_path"] == str(tasks.folder)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("models/a.sql", "select 1 as id, 'ö' as letter, '{{ graph.nodes | length }}' as nodes"),
        ("models/words.md", "{% docs words %} Few. {% enddocs %}"),
        ("models/added.sql", "select * from {{ ref('c') }}"),
        ("seeds/sown.csv", "id\n1\n3\n"),
        ("macros/same.sql", "{% macro same(value) %}{{ value * 2 }}{% endmacro %}"),
    ],
)
def test_a_project_that_has_changed_is_parsed_as_it_is(tasks: Tasks, tmp_path: Path, file: str, text: str) -> None:
    """Its manifest is that of a dbt alone, and whoever knows the parse before is of no use any more."""
    tasks.files[file] = text
    tasks.build()
    assert tasks.went_to_who_knows
    assert manifest_of(tasks.folder / "target") == manifest_of(
        by_dbt_alone(write_files(tmp_path / "alone", tasks.files), "build")
    )
    if "graph" in text:
        assert tasks.rows("select distinct nodes from a") == [("12",)]
    tasks.build()
    wait_until(lambda: tasks.knows not in tasks.know())


def test_what_one_task_is_given_no_other_has(tasks: Tasks) -> None:
    """Other variables have another process, or none yet; who comes after is given nothing of them."""
    tasks.build("who", secrets=Secrets(profiles=PROFILES, vars={"who": "somebody"}))
    assert not tasks.went_to_who_knows
    assert tasks.rows("select who from who") == [("somebody",)]
    tasks.build("who")
    assert tasks.went_to_who_knows
    assert tasks.rows("select who from who") == [("nobody",)]


def test_documentation_after_a_build_is_of_what_was_built(tasks: Tasks) -> None:
    """dbt runs twice in one process: what is handed out once and changed is not handed out again."""
    run = tasks.build(generate_docs=True)
    assert tasks.went_to_who_knows
    assert {"docs.html", "catalog.json"} <= run.artifacts
    assert "'ä'" in json.loads(run.artifact("manifest.json").read_text())["nodes"]["model.chain.a"]["raw_code"]


def test_who_knows_a_parse_and_is_killed_is_made_anew(tasks: Tasks) -> None:
    """The next tasks are carried out by others, and one of these knows it then."""
    os.kill(tasks.knows, signal.SIGKILL)
    wait_until(lambda: tasks.knows not in tasks.know())
    tasks.build()
    assert not tasks.went_to_who_knows
    tasks.wait_for_who_knows()


def test_none_is_sent_away_for_it(tmp_path: Path) -> None:
    """With more projects than there may be in memory, each would be read in vain; one that has died counts no more."""
    others = [tmp_path / f"{number}{suffix}" for number in range(2) for suffix in (PACKED, PARSED)]
    for path in others:
        path.touch()
    place = tmp_path / f"place{PARSED}"
    assert not has_room(place, 60)
    assert has_room(others[0], 60), "in place of one that has died"
    os.utime(others[0], (0, 0))
    assert has_room(place, 60)
    assert [is_asked_for_again(place, seconds) for seconds in (60, 60, 0)] == [False, True, False]


KNOWN = """
import os, sys
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from kestra_dbt.core.known_parse import know, manifest_of
from kestra_dbt.warm.practice import practise
practise()
folder = sys.argv[1]
parsed = open(f"{folder}/target/partial_parse.msgpack", "rb").read()
manifest_of(parsed)  # with the first call, the method replaces itself
read, times = Manifest.from_msgpack, []
Manifest.from_msgpack = lambda *args, **how: times.append(1) or read(*args, **how)
know(folder.encode(), parsed)
os.chdir(folder)
for number, select in enumerate(sys.argv[2:], 1):
    assert dbtRunner().invoke(["build", "--select", select]).success
    assert len(times) == number, (number, times)
"""


def test_a_parse_that_is_known_is_not_read_again(tmp_path: Path) -> None:
    """But a second dbt of the same process reads it, for the first one has changed what it was handed."""
    by_dbt_alone(write_files(tmp_path, FILES), "parse")
    command = [sys.executable, "-c", KNOWN, str(tmp_path), "who", "sown"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
