"""A project as a graph of tasks, against one `dbt build`, and against one fresh dbt process a model, as Cosmos has it.

On PostgreSQL, each into a schema of its own, two at a time. A process a model is `dbt build --select MODEL`, begun when
all that the model reads is there, in one folder with the partial parse of an earlier run: what it takes beyond that in
Airflow is not counted.
"""

import concurrent.futures
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from client import Engine
from figures import Figure
from generate import generate
from histories import end, moment, seconds
from postgres import Postgres

MODELS, TESTS, AT_ONCE = 30, 30, 2
LIMIT_S = 900

Env = dict[str, str]
Profiles = dict[str, Any]


def measure(rounds: int, kestra: str, env: Env) -> list[Figure]:
    """Return the seconds of each way, and of what is done for one model."""
    found: list[dict[str, float]] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Postgres.start() as postgres,
        Engine.start(kestra, env=env) as engine,
    ):
        bench = Bench(Path(folder), postgres, engine, env)
        for number in range(rounds + 1):
            values = {**bench.one(number), **bench.fresh(number), **bench.graph(number)}
            print("  " + ", ".join(f"{what} {value:.1f} s" for what, value in values.items()), flush=True)
            found.append(values)
    counted = found[1:]  # the first one fills caches
    question = f"{MODELS} models with a test each on PostgreSQL, {AT_ONCE} at a time, Kestra {kestra}"
    ratios = (("graph", "one build"), ("graph", "a process a model"), ("a task", "a process"))
    return [
        *(Figure(question, what, [values[what] for values in counted], "s") for what in counted[0]),
        *(
            Figure(question, f"{way} to {other}", [values[way] / values[other] for values in counted], "x")
            for way, other in ratios
        ),
    ]


class Bench:
    """A project, and what builds it."""

    def __init__(self, work: Path, postgres: Postgres, engine: Engine, env: Env) -> None:
        self._work, self._postgres, self._engine, self._env = work, postgres, engine, env
        self._project = work / "project"
        generate(self._project, MODELS, TESTS)
        profiles = self._profiles("parse")
        self._dbt("parse", profiles=profiles)
        self._flow = self._written()
        (dag,) = [task for task in self._flow["tasks"] if task["id"] == "dbt"]
        self._above = {entry["task"]["id"]: entry.get("dependsOn", []) for entry in dag["tasks"]}

    def one(self, number: int) -> dict[str, float]:
        """Return the seconds of one build."""
        began = time.perf_counter()
        self._dbt("build", profiles=self._profiles(f"one_{number}"))
        return {"one build": time.perf_counter() - began}

    def fresh(self, number: int) -> dict[str, float]:
        """Return the seconds of a process a model, all in all and the median of one."""
        profiles = self._profiles(f"fresh_{number}")
        took: dict[str, float] = {}
        running: dict[concurrent.futures.Future[float], str] = {}

        def build(model: str) -> float:
            target = self._project / "target" / model
            target.mkdir(exist_ok=True)
            shutil.copy(self._project / "target" / "partial_parse.msgpack", target)
            began = time.perf_counter()
            self._dbt("build", "--select", model, profiles=profiles, target=f"target/{model}")
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

    def graph(self, number: int) -> dict[str, float]:
        """Return the seconds of the execution, and the median of a node's task."""
        flow = json.dumps({**self._flow, "variables": {"profiles": self._profiles(f"graph_{number}")}})
        result = self._engine.run(flow + "\n", self._work / "out", files=self._project, timeout=LIMIT_S)
        if result.state != "SUCCESS":
            raise SystemExit(f"The flow ended in {result.state}:\n{result.log_text[-3000:]}")
        tasks = [
            (end(run) - moment(next(step for step in run["state"]["histories"] if step["state"] == "RUNNING")))
            for run in result.task_runs
            if run["taskId"] in self._above
        ]
        return {"graph": seconds(result.execution), "a task": statistics.median(task.total_seconds() for task in tasks)}

    def _profiles(self, schema: str) -> Profiles:
        server = {"type": "postgres", "host": "127.0.0.1", "port": self._postgres.port, "user": "dbt", "password": "x"}
        output = {**server, "dbname": "postgres", "schema": schema, "threads": AT_ONCE}
        return {"bench": {"target": "dev", "outputs": {"dev": output}}}

    def _written(self) -> dict[str, Any]:
        rendered = "{{ render(vars.profiles) }}"
        settings = {
            "prepare": {"namespaceFiles": {"enabled": True}, "profiles": rendered},
            "node": {"profiles": rendered},
        }
        (self._work / "settings.yml").write_text(json.dumps(settings))
        manifest, more = self._project / "target" / "manifest.json", self._work / "settings.yml"
        places = ["--manifest", str(manifest), "--settings", str(more)]
        command = [sys.executable, "-m", "kestra_dbt", "flow", *places, "--concurrent", str(AT_ONCE)]
        done = subprocess.run(command, env=self._env, check=True, capture_output=True, text=True, timeout=LIMIT_S)
        flow: dict[str, Any] = yaml.safe_load(done.stdout)
        return flow

    def _dbt(self, *arguments: str, profiles: Profiles, target: str = "target") -> None:
        folder = self._work / profiles["bench"]["outputs"]["dev"]["schema"]
        folder.mkdir(exist_ok=True)
        (folder / "profiles.yml").write_text(json.dumps(profiles))
        command = ["dbt", *arguments, "--profiles-dir", str(folder), "--target-path", target]
        subprocess.run(
            command, cwd=self._project, env=self._env, check=True, timeout=LIMIT_S, stdout=subprocess.DEVNULL
        )
