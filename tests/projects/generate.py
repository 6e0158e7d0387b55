"""Write a dbt project of any size, for benches and scale tests.

The same arguments always give the same files. Models are trivial, so that what is measured is the machinery around
them. They form `width` chains; every third step also reads from the chain to its right. Names tell the place:
`chain_02_step_0017` is in chain 2 and reads `chain_02_step_0016`.

    python tests/projects/generate.py FOLDER --models 100 --tests 200
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

COLUMNS = ("id", "value")
KINDS = ("not_null", "unique")
TESTS_PER_MODEL = len(COLUMNS) * len(KINDS)


def generate(folder: Path, models: int, tests: int, width: int = 10, profile: str = "bench") -> None:
    """Write a dbt project.

    Args:
        folder: where to; created when missing, and must be empty.
        models: how many models, >= 1.
        tests: how many generic tests, spread evenly; at most four a model.
        width: how many chains, so how many models can run at once.
        profile: name of the connection profile, which is not written.

    Raises:
        ValueError: a count is out of range.
        FileExistsError: the folder holds something already.
    """
    if models < 1 or width < 1:
        raise ValueError("models and width must be at least 1")
    if not 0 <= tests <= TESTS_PER_MODEL * models:
        raise ValueError(f"tests must be between 0 and {TESTS_PER_MODEL * models} for {models} models")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")

    _write(folder / "dbt_project.yml", _project(profile))
    properties: defaultdict[int, list[str]] = defaultdict(lambda: ["models:"])
    for index in range(models):
        chain = index % width
        _write(_chain_folder(folder, chain) / f"{_name(index, width)}.sql", _sql(index, width))
        properties[chain] += _properties(index, tests, models, width)
    for chain, lines in properties.items():
        _write(_chain_folder(folder, chain) / "models.yml", "\n".join(lines) + "\n")


def _project(profile: str) -> str:
    return f'name: bench\nversion: "1.0.0"\nprofile: {profile}\nrequire-dbt-version: ">=1.8.0"\n'


def _chain_folder(folder: Path, chain: int) -> Path:
    return folder / "models" / f"chain_{chain:02}"


def _name(index: int, width: int) -> str:
    return f"chain_{index % width:02}_step_{index // width:04}"


def _sql(index: int, width: int) -> str:
    """Tables and views alternate along a chain: views on views would make the database, not dbt, the bottleneck."""
    step = index // width
    materialized = "view" if step % 2 else "table"
    config = f'{{{{ config(materialized="{materialized}") }}}}\n\n'
    if step == 0:
        return f"{config}select 1 as id, {index} as value\n"
    parent = index - width
    sql = f'{config}select a.id, a.value + 1 as value\nfrom {{{{ ref("{_name(parent, width)}") }}}} as a\n'
    neighbour = (step - 1) * width + (index + 1) % width
    if step % 3 == 0 and neighbour != parent:
        sql += f'inner join {{{{ ref("{_name(neighbour, width)}") }}}} as b on a.id = b.id\n'
    return sql


def _properties(index: int, tests: int, models: int, width: int) -> list[str]:
    """Round robin: every model gets its first test before any gets a second one."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for place in range(TESTS_PER_MODEL):
        if index + place * models < tests:
            kinds[COLUMNS[place // len(KINDS)]].append(KINDS[place % len(KINDS)])
    lines = [f"  - name: {_name(index, width)}"]
    if kinds:
        lines.append("    columns:")
    for column, names in kinds.items():
        lines += [f"      - name: {column}", f"        data_tests: [{', '.join(names)}]"]
    return lines


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a dbt project of any size.")
    parser.add_argument("folder", type=Path, help="created when missing, and must be empty")
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--tests", type=int, default=200, help="at most four a model")
    parser.add_argument("--width", type=int, default=10, help="how many chains")
    parser.add_argument("--profile", default="bench", help="name of the connection profile")
    options = parser.parse_args()
    try:
        generate(options.folder, options.models, options.tests, options.width, options.profile)
    except (ValueError, FileExistsError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
