"""What the runner and Kestra add to a dbt build: the same build bare, by the runner alone, and as a flow, in turns.

Each starts with no target folder and no database.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from client import Engine
from figures import Figure
from generate import generate
from histories import seconds

Ways = dict[str, Callable[[], float]]

PROFILES = "bench: {target: dev, outputs: {dev: {type: duckdb, path: bench.duckdb, threads: 2}}}\n"
FLOW = f"""\
id: bench
namespace: company.bench
tasks:
  - id: build
    type: io.kestradbt.core.Build
    namespaceFiles: {{enabled: true}}
    profiles: "{PROFILES.strip()}"
"""


def measure(models: int, tests: int, rounds: int, kestra: str, env: dict[str, str]) -> list[Figure]:
    """Return the seconds of each way, and their ratios to bare dbt in the same round."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Engine.start(kestra, env=env) as engine:
        work = Path(folder)
        generate(work / "project", models, tests, profile="bench")
        ways: Ways = {
            "bare": lambda: bare(work, env),
            "runner": lambda: runner(work, env),
            "flow": lambda: flow(work, engine),
        }
        for way in ways.values():  # once, not counted: file caches, the JVM's compiler
            way()
        found = [in_turn(ways, turn) for turn in range(rounds)]
    question = f"dbt build of {models:,} models and {tests:,} tests on DuckDB, 2 threads, Kestra {kestra}"
    times = [Figure(question, way, [values[way] for values in found], "s") for way in ways]
    ratios = [
        Figure(question, f"{way}, ratio to bare", [values[way] / values["bare"] for values in found], "x")
        for way in ways
        if way != "bare"
    ]
    return times + ratios


def in_turn(ways: Ways, turn: int) -> dict[str, float]:
    """Measure each way once; the order alternates."""
    order = list(ways) if turn % 2 == 0 else list(reversed(ways))
    seconds = {way: ways[way]() for way in order}
    print("  " + "   ".join(f"{way} {seconds[way]:6.2f} s" for way in ways), flush=True)
    return seconds


def bare(work: Path, env: dict[str, str]) -> float:
    """Return the seconds of a plain `dbt build`."""
    return timed(["dbt", "build"], work, env)


def runner(work: Path, env: dict[str, str]) -> float:
    """Return the seconds of the runner without Kestra: dbt, its events and its artifacts."""
    request = work / "request.json"
    request.write_text('{"kind": "dbt_command", "command": ["build"]}')
    return timed(["kestra-dbt", "run", str(request)], work, env)


def timed(command: list[str], work: Path, env: dict[str, str]) -> float:
    """Return the seconds of a command in a fresh copy of the project."""
    folder = work / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(work / "project", folder)
    (folder / "profiles.yml").write_text(PROFILES)
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def flow(work: Path, engine: Engine) -> float:
    """Return the seconds of the execution, as Kestra has them: from its creation to its end, uploads included."""
    result = engine.run(FLOW, work / "out", files=work / "project", timeout=1800)
    if result.state != "SUCCESS":
        raise SystemExit(f"The flow ended in {result.state}:\n{result.log_text[-3000:]}")
    return seconds(result.execution)
