"""Measure what Kestra and the plugin cost, on this machine: every figure is compared with one of the same run.

python bench/bench.py                      # everything: about an hour on 2 cores
python bench/bench.py --only memory
python bench/bench.py --models 20 --tests 40 --rounds 1 --nodes 1000 --manifest-mb 10
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "engine", "projects", "platform")]

import figures  # noqa: E402 - found by the line above, as what follows
import flow  # noqa: E402
import graph  # noqa: E402
import memory  # noqa: E402
import overhead  # noqa: E402
import waits  # noqa: E402
import warm  # noqa: E402
from client import VERSIONS  # noqa: E402

SIZES = ((100, 200, 5), (700, 1300, 3))
"""Models, tests and rounds."""


def main() -> None:
    """Measure and print."""
    options = parse()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Kestra {options.kestra}", flush=True)
    env = environment()
    found = []
    if options.only in (None, "overhead"):
        sizes = [(options.models, options.tests, 3)] if options.models else SIZES
        for models, tests, rounds in sizes:
            found += overhead.measure(models, tests, options.rounds or rounds, options.kestra, env)
    if options.only in (None, "memory"):
        found += memory.measure(options.nodes, options.manifest_mb, options.rounds or 3, options.kestra, env)
    if options.only in (None, "platform"):
        found += waits.measure(options.waits, options.rounds or 5, env)
    if options.only in (None, "flow"):
        found += flow.measure(options.rounds or 3, env)
    if options.only in (None, "graph"):
        found += graph.measure(options.rounds or 3, options.kestra, env)
    if options.only in (None, "warm"):
        found += warm.measure(options.rounds or 5, env)
    figures.show(found)


def environment() -> dict[str, str]:
    """Return what finds this environment's dbt."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("overhead", "memory", "platform", "flow", "graph", "warm"))
    parser.add_argument("--kestra", choices=VERSIONS, default=VERSIONS[0])
    parser.add_argument("--rounds", type=int, help="of each comparison (5 of the small build, else 3)")
    parser.add_argument("--models", type=int, help="one build of this size, instead of 300 and 2,000 nodes")
    parser.add_argument("--tests", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--manifest-mb", type=int, default=100)
    parser.add_argument("--waits", type=int, default=200, help="runs of the platform waited for at once")
    return parser.parse_args()


if __name__ == "__main__":
    main()
