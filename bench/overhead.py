"""What the runner and Kestra add to a dbt build: the same build bare, by the runner alone, and as a flow, in turns.

Prints the ratios to bare dbt, their median and spread. Each starts with no target folder and no database.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "engine"), str(ROOT / "tests" / "projects")]

from client import VERSIONS, Engine  # noqa: E402 - found by the line above
from generate import generate  # noqa: E402

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


def main() -> None:
    """Measure and print."""
    options = parse()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        work = Path(folder)
        generate(work / "project", options.models, options.tests, profile="bench")
        print(
            f"dbt build of {options.models} models and {options.tests} tests on DuckDB, {options.rounds} rounds, "
            f"Kestra {options.kestra}, {os.cpu_count()} cores",
            flush=True,
        )
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        env = {**os.environ, "PATH": path, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        with Engine.start(options.kestra, env=env) as engine:
            ways: Ways = {
                "bare": lambda: bare(work, env),
                "runner": lambda: runner(work, env),
                "flow": lambda: flow(work, engine),
            }
            for way in ways.values():  # once, not counted: file caches, the JVM's compiler
                way()
            rounds = [measure(ways, turn) for turn in range(options.rounds)]
    report(rounds)


def measure(ways: Ways, turn: int) -> dict[str, float]:
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
    result = engine.run(FLOW, work / "out", files=work / "project", timeout=600)
    if result.state != "SUCCESS":
        raise SystemExit(f"The flow ended in {result.state}:\n{result.log_text[-3000:]}")
    return result.seconds


def report(rounds: list[dict[str, float]]) -> None:
    """Print the figures that count."""
    print(f"{'':8}{'median':>10}   ratio to bare: median (from - to)")
    for way in rounds[0]:
        ratios = [seconds[way] / seconds["bare"] for seconds in rounds]
        median = statistics.median(seconds[way] for seconds in rounds)
        print(f"{way:8}{median:8.2f} s   {statistics.median(ratios):.3f} ({min(ratios):.3f} - {max(ratios):.3f})")
    print("runner: its start, events and artifacts. flow: that, and Kestra's files, task runs, logs and uploads.")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kestra", choices=VERSIONS, default=VERSIONS[0])
    return parser.parse_args()


if __name__ == "__main__":
    main()
