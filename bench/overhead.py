"""What the runner and Kestra add to a dbt build: the same build bare, by the runner alone, and as a flow, in turns.

Each starts with no target folder and no database, and parses the whole project; but for the last one, which shows what
a flow takes that has run here before.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Engine
from figures import Figure
from generate import generate
from histories import seconds
from memory import RESULT_LIMIT, UNPROTECTED
from ways import in_turns, timed

Ways = dict[str, Callable[[], float]]

SIZES = ((35, 65, 5), (350, 650, 3))
"""Models, tests and rounds: 100 and 1,000 nodes."""

PROFILES = "bench: {target: dev, outputs: {dev: {type: duckdb, path: bench.duckdb, threads: 2}}}\n"
PARSED_ANEW = {"DBT_PARTIAL_PARSE": "false"}
FLOW = f"""\
id: bench
namespace: company.bench
tasks:
  - id: build
    type: io.kestradbt.core.Build
    namespaceFiles: {{enabled: true}}
    profiles: "{PROFILES.strip()}"
    resultLimit: {RESULT_LIMIT}
    env: %s
"""


def measure(models: int, tests: int, rounds: int, kestra: str, env: dict[str, str]) -> Iterator[Figure]:
    """Yield the seconds of each way, of the same rounds."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Engine.start(kestra, env=env | UNPROTECTED) as engine:
        work = Path(folder)
        generate(work / "project", models, tests, profile="bench")
        ways: Ways = {
            "bare": lambda: bare(work, env),
            "runner": lambda: runner(work, env | PARSED_ANEW),
            "flow": lambda: flow(work, engine, PARSED_ANEW),
            "flow, with the parse of an earlier one": lambda: flow(work, engine, {}),
        }
        for way in ways.values():  # once, not counted: file caches, the JVM's compiler
            way()
        found = []
        for took in in_turns(ways, rounds):
            print("  " + "   ".join(f"{way} {took[way]:6.2f} s" for way in ways), flush=True)
            found.append(took)
    question = f"dbt build of {models:,} models and {tests:,} tests on DuckDB, 2 threads, Kestra {kestra}"
    for name in ways:
        yield Figure(question, name, [took[name] for took in found], against=() if name == "bare" else ("bare",))


def bare(work: Path, env: dict[str, str]) -> float:
    """Return the seconds of a plain `dbt build`."""
    return of_copy(["dbt", "build"], work, env)


def runner(work: Path, env: dict[str, str]) -> float:
    """Return the seconds of the runner without Kestra: dbt, its events and its artifacts."""
    request = work / "request.json"
    request.write_text('{"kind": "dbt_command", "command": ["build"]}')
    return of_copy(["kestra-dbt", "run", str(request)], work, env)


def of_copy(command: list[str], work: Path, env: dict[str, str]) -> float:
    """Return the seconds of a command in a fresh copy of the project."""
    folder = work / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(work / "project", folder)
    (folder / "profiles.yml").write_text(PROFILES)
    return timed(command, folder, env)


def flow(work: Path, engine: Engine, variables: dict[str, str]) -> float:
    """Return the seconds of the execution, as Kestra has them: from its creation to its end, uploads included."""
    result = engine.run(FLOW % json.dumps(variables), work / "out", files=work / "project", timeout=1800)
    if result.state != "SUCCESS":
        raise SystemExit(f"The flow ended in {result.state}:\n{result.log_text[-3000:]}")
    return seconds(result.execution)
