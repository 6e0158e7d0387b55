"""Measure what Kestra and the plugin cost, on this machine: every figure is compared with one of the same run.

python bench/bench.py                      # everything: about an hour on 2 cores
python bench/bench.py --only memory --only warm
python bench/bench.py --models 20 --tests 40 --rounds 1 --nodes 1000 --manifest-mb 10
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "engine", "projects", "platform")]

import figures  # noqa: E402 - found by the line above, as what follows
import flow  # noqa: E402
import graph  # noqa: E402
import machine  # noqa: E402
import memory  # noqa: E402
import overhead  # noqa: E402
import scale  # noqa: E402
import waits  # noqa: E402
import warm  # noqa: E402
from client import VERSIONS  # noqa: E402
from figures import Figure  # noqa: E402

QUESTIONS: dict[str, Callable[[argparse.Namespace, dict[str, str]], Iterable[Figure]]] = {
    "overhead": lambda options, env: (
        figure
        for models, tests, rounds in ([(options.models, options.tests, 3)] if options.models else overhead.SIZES)
        for figure in overhead.measure(models, tests, options.rounds or rounds, options.kestra, env)
    ),
    "memory": lambda options, env: memory.measure(
        options.nodes, options.manifest_mb, options.rounds or 2, options.kestra, env
    ),
    "scale": lambda options, env: scale.measure(options.rounds or 2, options.kestra, env),
    "platform": lambda options, env: waits.measure(options.waits, options.rounds or 5, env),
    "flow": lambda options, env: flow.measure(options.rounds or 3, env),
    "graph": lambda options, env: graph.measure(options.rounds or 2, options.kestra, env),
    "warm": lambda options, env: warm.measure(options.rounds or 5, env),
}


def main() -> int:
    """Measure and print; return 1 if something could not be measured."""
    options = parse()
    about = [machine.limits(), machine.versions(options.kestra), f"load before: {machine.load()}"]
    print("\n".join(about), flush=True)
    found: list[Figure] = []
    failed: list[str] = []
    try:
        for name in options.only or QUESTIONS:
            why = answer(name, options, found)
            if why:
                failed.append(f"{name} could not be measured: {why}")
    except KeyboardInterrupt:  # after half an hour, nobody wants to lose what there is
        failed.append("it was interrupted: this is what had been measured")
    about += [f"load after: {os.getloadavg()[0]:.2f}", *failed]
    print("\n" + "\n".join(f"- {line}" for line in about) + f"\n\n{figures.table(found)}")
    if options.json:
        options.json.write_text(json.dumps({"about": about, "figures": figures.as_json(found)}, indent=1))
    return 1 if failed else 0


def answer(name: str, options: argparse.Namespace, found: list[Figure]) -> str | None:
    """Add what a question comes to, as far as it can be measured; return why it could not be."""
    try:
        for figure in QUESTIONS[name](options, environment()):
            found.append(figure)  # noqa: PERF402 - what there is when it fails is kept
    except (Exception, SystemExit) as error:  # noqa: BLE001 - others may still be measured
        traceback.print_exc()
        return next(iter(str(error).splitlines()), type(error).__name__)
    return None


def environment() -> dict[str, str]:
    """Return what finds this environment's dbt."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=QUESTIONS, help="may be given several times")
    parser.add_argument("--json", type=Path, help="file for all values")
    parser.add_argument("--kestra", choices=VERSIONS, default=VERSIONS[0])
    parser.add_argument("--rounds", type=int, help="of each comparison (otherwise 2 to 5, by what one takes)")
    parser.add_argument("--models", type=int, help="one build of this size, instead of those of 100 and 1,000 nodes")
    parser.add_argument("--tests", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--manifest-mb", type=int, default=100)
    parser.add_argument("--waits", type=int, default=1000, help="runs of the platform waited for at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
