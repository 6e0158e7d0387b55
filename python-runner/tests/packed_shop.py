"""A small project that is packed, and its nodes over a worker's warm processes."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import Run, Runner, duckdb_profile, write_files

from kestra_dbt.protocol import DbtCommand, DbtOptions, GraphNode, Secrets

FILES = {
    "dbt_project.yml": """
name: shop
profile: shop
models: {+materialized: table}
on-run-end: "create or replace table hooked as select id from {{ ref('raw') }}"
""",
    "models/raw.sql": "select 1 as id",
    "models/hidden.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('raw') }}",
    "models/top.sql": """
select id, {{ graph.nodes | length if execute else 0 }} as nodes, '{{ env_var("PLACE", "none") }}' as place
from {{ ref('hidden') }}
""",
    "models/far.sql": "select id from {{ ref('top') }}",
    "models/slow.sql": "select count(*) as n from range(4000000000) as a(i), range(9) as b(j) where i % 7 = j",
    "models/wrong.sql": "select nothing from {{ ref('raw') }}",
    "models/models.yml": """
models:
  - name: top
    data_tests: [small]
    columns:
      - name: id
        data_tests:
          - relationships: {arguments: {to: ref('raw'), field: id}}
unit_tests:
  - name: keeps_the_id
    model: top
    given:
      - input: ref('hidden')
        format: sql
        rows: select 7 as id
    expect: {rows: [{id: 7}]}
""",
    "tests/generic/small.sql": "{% test small(model) %} select id from {{ model }} where id > 5 {% endtest %}",
}

READ = "The project was read in"

Node = Callable[..., Run]
During = Callable[[subprocess.Popen[bytes]], None]


@pytest.fixture
def node(carry_out: Runner, worker: dict[str, str], tmp_path: Path) -> Node:
    """Return a function that runs nodes of a pack of the project above."""
    project = write_files(tmp_path / "project", FILES)
    secrets = Secrets(profiles=duckdb_profile().replace("dev.duckdb", str(tmp_path / "dev.duckdb")))
    parse = DbtCommand(command=["parse"], pack=True, options=DbtOptions(project_dir=str(project)))
    pack = shutil.copy(carry_out(parse, secrets).artifact("pack.zip"), tmp_path / "pack.zip")

    def run(*nodes: str, profiles: str | None = None, during: During | None = None, **env: str) -> Run:
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        used = Secrets(profiles=profiles) if profiles else secrets
        request = GraphNode(pack=str(pack), nodes=list(nodes))
        same = {"PYTEST_CURRENT_TEST": ""}  # pytest has another one in fixtures: it would be another project's
        return carry_out(request, used, folder=folder, env={**worker, **same, **env}, during=during)

    return run


def read_anew(run: Run) -> bool:
    """Tell whether a process was made that has the project in memory; nothing may have gone on as a plain one."""
    assert not any("a plain one goes on" in line for line in run.plain), run
    return any(READ in line for line in run.plain)


def table(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """Return what is in the warehouse."""
    with duckdb.connect(str(folder / "dev.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()
