"""One model of a prepared project: by a fresh dbt, and by tasks in a process of their own, and warm.

The fresh one is `dbt run --select MODEL` in a folder with the partial parse of an earlier run, as a process a model has
it. The others are what a task starts on its worker: one of a graph, and a `Run` with `select`, whose dbt reads and
writes the whole project. Kestra's own part is not in it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from figures import Figure
from generate import generate
from postgres import Postgres
from ways import LIMIT_S, timed

SIZES = (50, 500, 5000)
"""Models on DuckDB, with a test each."""
ON_POSTGRES = 500
UNCOUNTED = 3
"""Rounds before those that count: from the third time on, what a Run parses is in memory. The first fills caches."""

AGAINST = {
    "a fresh dbt": (),
    "a Node": ("a fresh dbt",),
    "a Node, warm": ("a fresh dbt", "a Node"),
    "a Run": ("a fresh dbt",),
    "a Run, warm": ("a fresh dbt", "a Run"),
}

Env = dict[str, str]


def measure(rounds: int, env: Env) -> Iterator[Figure]:
    """Yield the seconds of each way, for each size."""
    for models in SIZES:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            output = {"type": "duckdb", "path": f"{folder}/bench.duckdb", "threads": 1}
            question = f"one of {models:,} models with a test each, DuckDB"
            yield from _one(question, Bench(Path(folder), models, output, env), rounds)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Postgres.start() as postgres:
        server = {"type": "postgres", "host": "127.0.0.1", "port": postgres.port, "user": "dbt", "password": "x"}
        output = {**server, "dbname": "postgres", "schema": "bench", "threads": 1}
        question = f"one of {ON_POSTGRES:,} models with a test each, PostgreSQL"
        yield from _one(question, Bench(Path(folder), ON_POSTGRES, output, env), rounds)


def _one(question: str, bench: "Bench", rounds: int) -> list[Figure]:
    with subprocess.Popen(["/bin/sleep", str(2 * LIMIT_S)]) as worker:
        try:
            ways = [bench.ways(number, worker.pid) for number in range(UNCOUNTED + rounds)][UNCOUNTED:]
        finally:
            worker.kill()
    print(f"  {question}: " + ", ".join(f"{way} {took:.2f} s" for way, took in ways[-1].items()), flush=True)
    return [Figure(question, way, [took[way] for took in ways], against=AGAINST[way]) for way in ways[0]]


class Bench:
    """A project, packed and parsed."""

    def __init__(self, work: Path, models: int, output: dict[str, Any], env: Env) -> None:
        self._work = work
        self._project = work / "project"
        generate(self._project, models, models)
        profiles = json.dumps({"bench": {"target": "dev", "outputs": {"dev": output}}})
        (work / "profiles.yml").write_text(profiles)
        from kestra_dbt.protocol import SECRETS_VARIABLE, Secrets  # noqa: PLC0415 - installed in this environment

        secrets = Secrets(profiles=profiles).to_environment()
        self._env = {**env, SECRETS_VARIABLE: secrets, "KESTRA_DBT_CACHE": str(work / "cache")}
        self._dbt("parse")
        parse = {"kind": "dbt_command", "command": ["parse"], "pack": True}
        self._request({**parse, "options": {"project_dir": str(self._project)}}, self._empty("prepare"))

    def ways(self, number: int, worker: int) -> dict[str, float]:
        """Return the seconds of each way for one model that reads nothing."""
        model = f"chain_{number % 10:02}_step_0000"
        pack = str(self._work / "prepare/out/dbt/pack.zip")
        node = {"kind": "graph_node", "pack": pack, "nodes": [f"model.bench.{model}"]}
        run = {"kind": "dbt_command", "command": ["run"], "options": {"select": [model]}}
        warm = {"KESTRA_DBT_WARM": str(worker)}
        return {
            "a fresh dbt": self._dbt("run", "--select", model),
            "a Node": self._request(node, self._empty(f"node_{number}")),
            "a Node, warm": self._request(node, self._empty(f"warm_node_{number}"), warm),
            "a Run": self._request(run, self._copy(f"run_{number}")),
            "a Run, warm": self._request(run, self._copy(f"warm_run_{number}"), warm),
        }

    def _dbt(self, *arguments: str) -> float:
        return timed(["dbt", *arguments, "--profiles-dir", str(self._work)], self._project, self._env)

    def _empty(self, name: str) -> Path:
        folder = self._work / name
        folder.mkdir()
        return folder

    def _copy(self, name: str) -> Path:
        """Return a new folder with the files of the project, without what dbt has made."""
        made = shutil.ignore_patterns("target", "logs")
        return shutil.copytree(self._project, self._work / name, ignore=made)

    def _request(self, request: Mapping[str, object], folder: Path, more: Mapping[str, str] | None = None) -> float:
        """Return the seconds of a request in a folder."""
        (folder / "request.json").write_text(json.dumps({"version": "1.0", **request}))
        command = [sys.executable, "-m", "kestra_dbt", "run", "request.json", "--output", "out"]
        took_s = timed(command, folder, {**self._env, **(more or {})}, self._work / "log")
        if "a plain one goes on" in (self._work / "log").read_text():
            raise SystemExit(f"No warm process was to be had:\n{(self._work / 'log').read_text()}")
        return took_s
