"""What writing the flow of a project costs, by its number of models, beside what dbt itself takes to read the project.

`kestra-dbt flow --manifest`, the whole command. Its reference is `dbt parse` with the partial parse of an earlier run:
who has a manifest to write a flow of has waited for that at least.
"""

import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from figures import Figure
from generate import generate
from ways import in_turns, timed

SIZES = (100, 1_000, 5_000)
TESTS_PER_MODEL = 2
GRANULARITIES = ("model", "folder")
PROFILES = "bench: {target: dev, outputs: {dev: {type: duckdb, path: bench.duckdb}}}\n"
PARSE = "dbt parse"

Env = dict[str, str]


def measure(rounds: int, env: Env) -> Iterator[Figure]:
    """Yield the seconds that the command takes, and the size of what it writes."""
    for models in SIZES:
        yield from _of_size(models, rounds, env)


def _of_size(models: int, rounds: int, env: Env) -> Iterator[Figure]:
    question = f"Writing the flow of {models:,} models with {TESTS_PER_MODEL} tests each, of a manifest"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder)
        generate(project, models, TESTS_PER_MODEL * models)
        (project / "profiles.yml").write_text(PROFILES)
        ways = {PARSE: partial(timed, PARSE.split(), project, env)}
        ways |= {f"--granularity {one}": partial(_written, project, one, env) for one in GRANULARITIES}
        ways[PARSE]()  # the first one parses all of it, and is not counted
        found = list(in_turns(ways, rounds))
        sizes = {one: (project / f"{one}.yaml").stat().st_size / 1e6 for one in GRANULARITIES}
    print(f"  {models:,} models: " + ", ".join(f"{way} {took:.2f} s" for way, took in found[-1].items()), flush=True)
    for way in ways:
        yield Figure(question, way, [took[way] for took in found], against=() if way == PARSE else (PARSE,))
    for one, size in sizes.items():
        yield Figure(question, f"its YAML ({one})", [size], "MB")


def _written(project: Path, granularity: str, env: Env) -> float:
    options = ["--manifest", "target/manifest.json", "--granularity", granularity, "-o", f"{granularity}.yaml"]
    return timed([sys.executable, "-m", "kestra_dbt", "flow", *options], project, env)
