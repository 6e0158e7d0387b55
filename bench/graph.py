"""A project as a graph of tasks, with a process a node and warm, against one `dbt build` and against what others do.

On PostgreSQL, two at a time, in turns; each begins with the partial parse of an earlier run and without the tables. A
process a model is `dbt build --select MODEL`, begun when all that the model reads is there: a graph without whatever an
orchestrator adds.
"""

import concurrent.futures
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from client import Engine, Result
from figures import Figure
from generate import generate
from histories import end, moment, seconds
from others import Cosmos, Prefect
from postgres import Postgres

MODELS, TESTS, AT_ONCE = 12, 12, 2
LIMIT_S = 900

SCHEMA = "bench"
WARM = {"type": "io.kestradbt.runner.Warm"}

AGAINST = {
    "a Build": ("one build", "prefect-dbt"),
    "prefect-dbt": ("one build",),
    "a process a model": ("one build",),
    "Cosmos": ("one build", "a process a model"),
    "graph": ("one build", "a process a model", "Cosmos"),
    "graph, warm": ("one build", "a process a model", "Cosmos"),
    "a task": ("a process",),
    "a warm task": ("a process",),
}
"""What each way is compared with."""

Env = dict[str, str]


def measure(rounds: int, kestra: str, env: Env) -> list[Figure]:
    """Return the seconds of each way, and of what is done for one model."""
    found: list[dict[str, float]] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Postgres.start() as postgres,
        Engine.start(kestra, env=env) as engine,
    ):
        bench = Bench(Path(folder), postgres, engine, env)
        print(f"  {bench.versions}", flush=True)
        for number in range(rounds + 1):
            values = bench.ways(number)
            print("  " + ", ".join(f"{what} {value:.1f} s" for what, value in values.items()), flush=True)
            found.append(values)
    counted = found[1:]  # the first one fills caches
    sizes = f"{MODELS} models with a test each on PostgreSQL, {AT_ONCE} at a time"
    question = f"{sizes}, Kestra {kestra}, {bench.versions}"
    return [
        Figure(question, what, [values[what] for values in counted], against=AGAINST.get(what, ()))
        for what in counted[0]
    ]


class Bench:
    """A project, and what builds it."""

    def __init__(self, work: Path, postgres: Postgres, engine: Engine, env: Env) -> None:
        self._work, self._postgres, self._engine, self._env = work, postgres, engine, env
        self._project = work / "project"
        generate(self._project, MODELS, TESTS)
        server = {"type": "postgres", "host": "127.0.0.1", "port": postgres.port, "user": "dbt", "password": "x"}
        output = {**server, "dbname": "postgres", "schema": SCHEMA, "threads": AT_ONCE}
        self._profiles = {"bench": {"target": "dev", "outputs": {"dev": output}}}
        (work / "profiles.yml").write_text(json.dumps(self._profiles))
        self._dbt("parse")
        self._flow, self._warm = self._written({}), self._written({"taskRunner": WARM})
        (dag,) = [task for task in self._flow["tasks"] if task["id"] == "dbt"]
        self._above = {entry["task"]["id"]: entry.get("dependsOn", []) for entry in dag["tasks"]}
        self._cosmos = Cosmos(self._project, work / "profiles.yml", postgres, AT_ONCE, env)
        self._prefect = Prefect(self._project, work / "profiles.yml", env)
        self.versions = f"{self._cosmos.version()}, {self._prefect.version()}"

    def ways(self, number: int) -> dict[str, float]:
        """Return the seconds of each way, each of which builds all."""
        ways: tuple[Callable[[], dict[str, float]], ...] = (
            self._one,
            self._build,
            lambda: {"prefect-dbt": self._prefect.seconds()},
            self._fresh,
            lambda: {"Cosmos": self._cosmos.seconds(f"round_{number}")},
            lambda: self._graph(self._flow, "graph", "a task"),
            lambda: self._graph(self._warm, "graph, warm", "a warm task"),
        )
        found: dict[str, float] = {}
        for way in ways:
            # made anew here: two dbts that make it at once may get in each other's way in PostgreSQL
            self._postgres.rows(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
            values = way()
            tables = "information_schema.tables"  # and views
            built = self._postgres.rows(f"select count(*) from {tables} where table_schema = '{SCHEMA}'")
            if built != [str(MODELS)]:
                raise SystemExit(
                    f"{next(iter(values))}: {built[0]} tables and views are there afterwards, not {MODELS}."
                )
            found.update(values)
        return found

    def _one(self) -> dict[str, float]:
        began = time.perf_counter()
        self._dbt("build")
        return {"one build": time.perf_counter() - began}

    def _fresh(self) -> dict[str, float]:
        """Return the seconds of a process a model, all in all and the median of one."""
        took: dict[str, float] = {}
        running: dict[concurrent.futures.Future[float], str] = {}

        def build(model: str) -> float:
            target = self._work / "targets" / model
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._project / "target" / "partial_parse.msgpack", target)
            began = time.perf_counter()
            self._dbt("build", "--select", model, target=str(target))
            return time.perf_counter() - began

        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            while len(took) < len(self._above):
                for model, above in self._above.items():
                    if model not in took and model not in running.values() and all(one in took for one in above):
                        running[pool.submit(build, model)] = model
                done, _ = concurrent.futures.wait(running, return_when="FIRST_COMPLETED")
                took.update({running.pop(future): future.result() for future in done})
        return {"a process a model": time.perf_counter() - began, "a process": statistics.median(took.values())}

    def _build(self) -> dict[str, float]:
        """Return the seconds of an execution with one task."""
        build = {"id": "build", "type": "io.kestradbt.core.Build", "namespaceFiles": {"enabled": True}}
        flow = {"id": "build", "namespace": "company.bench", "tasks": [{**build, "profiles": self._profiles}]}
        return {"a Build": seconds(self._run(flow).execution)}

    def _graph(self, flow: dict[str, Any], what: str, task: str) -> dict[str, float]:
        """Return the seconds of the execution, and the median of a node's task."""
        result = self._run(flow)
        tasks = [
            (end(run) - moment(next(step for step in run["state"]["histories"] if step["state"] == "RUNNING")))
            for run in result.task_runs
            if run["taskId"] in self._above
        ]
        median = statistics.median(took.total_seconds() for took in tasks)
        return {what: seconds(result.execution), task: median}

    def _run(self, flow: dict[str, Any]) -> Result:
        result = self._engine.run(json.dumps(flow) + "\n", self._work / "out", files=self._project, timeout=LIMIT_S)
        if result.state != "SUCCESS":
            raise SystemExit(f"The flow ended in {result.state}:\n{result.log_text[-3000:]}")
        return result

    def _written(self, node: dict[str, Any]) -> dict[str, Any]:
        """Return the flow that `kestra-dbt flow` writes, with further properties of its nodes."""
        settings = {
            "prepare": {"namespaceFiles": {"enabled": True}, "profiles": self._profiles},
            "node": {"profiles": self._profiles, **node},
        }
        (self._work / "settings.yml").write_text(json.dumps(settings))
        manifest, more = self._project / "target" / "manifest.json", self._work / "settings.yml"
        places = ["--manifest", str(manifest), "--settings", str(more)]
        command = [sys.executable, "-m", "kestra_dbt", "flow", *places, "--concurrent", str(AT_ONCE)]
        done = subprocess.run(command, env=self._env, check=True, capture_output=True, text=True, timeout=LIMIT_S)
        flow: dict[str, Any] = yaml.safe_load(done.stdout)
        return flow

    def _dbt(self, *arguments: str, target: str = "target") -> None:
        command = ["dbt", *arguments, "--profiles-dir", str(self._work), "--target-path", target]
        subprocess.run(
            command, cwd=self._project, env=self._env, check=True, timeout=LIMIT_S, stdout=subprocess.DEVNULL
        )
