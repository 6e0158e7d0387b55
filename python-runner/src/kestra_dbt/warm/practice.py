"""What dbt builds when it first needs it, whatever the project: a warm process has it built before a request needs it.

That is most of what dbt does for a small project after its import: code that reads and writes each kind of node, the
schemas that these are checked by, the templates of its own macros. A project of a few lines with each kind of node is
parsed for that, once for each adapter; it connects to nothing, and what is in its profile is made up.
"""

from __future__ import annotations

import functools
import json
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from dbt.adapters.factory import FACTORY, reset_adapters
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from kestra_dbt.core.macros import compile_macros
from kestra_dbt.core.private import private_folder
from kestra_dbt.core.shortcuts import take_shortcuts
from kestra_dbt.warm.imports import adapters

_NAME = "practice"
_MORE: dict[str, dict[str, object]] = {
    "bigquery": {"method": "oauth-secrets", "project": "x", "dataset": "x", "token": "x"},
    "databricks": {"host": "x", "http_path": "x", "schema": "x", "token": "x"},
    "spark": {"method": "session", "host": "x", "schema": "x"},
    "sqlserver": {"host": "x", "database": "x", "schema": "x", "driver": "x"},
    "trino": {"method": "none", "user": "x", "host": "x", "port": 1, "database": "x", "schema": "x"},
}
"""What adapters ask for beyond the fields that they declare as required."""

_FILES = {
    "dbt_project.yml": f"{{name: {_NAME}, profile: {_NAME}}}",
    "models/one.sql": "select 1 as id",
    "models/two.sql": "select id from {{ ref('one') }} union all select id from {{ source('outside', 'two') }}",
    "models/all.yml": """\
models: [{name: one, description: One., columns: [{name: id, data_tests: [unique]}]}]
sources: [{name: outside, tables: [{name: two}]}]
exposures: [{name: seen, type: dashboard, owner: {name: somebody}, depends_on: ["ref('two')"]}]
unit_tests: [{name: is_one, model: one, given: [], expect: {rows: [{id: 1}]}}]
""",
    "seeds/sown.csv": "id\n1\n",
    "snapshots/kept.sql": """\
{% snapshot kept %}
{{ config(target_schema='kept', unique_key='id', strategy='check', check_cols='all') }} select * from {{ ref('one') }}
{% endsnapshot %}
""",
    "tests/none.sql": "select * from {{ ref('one') }} where id > 1",
    "macros/same.sql": "{% macro same(value) %}{{ value }}{% endmacro %}",
}

_OPTIONS = (
    *("--quiet", "--log-level", "none", "--log-level-file", "none"),
    # the parser that it turns off leaves threads behind, which a fork would wait for in vain
    *("--no-static-parser", "--no-partial-parse", "--no-version-check", "--no-send-anonymous-usage-stats"),
)


@functools.cache
def practise() -> None:
    """Have dbt parse the project with each adapter, and compile its macros, if this process has not yet.

    One with which that can't be done is named in the log, and costs only what would have been gained with it.
    """
    take_shortcuts()  # what they find out once is found out here
    for adapter in adapters():
        manifest = _parsed(adapter)
        for _ in compile_macros(manifest) if manifest else ():
            pass
    reset_adapters()  # type: ignore[no-untyped-call]


def _parsed(adapter: str) -> Manifest | None:
    try:
        outputs = {_NAME: {"type": adapter, **_made_up(adapter)}}
        parsed = _parse(json.dumps({_NAME: {"target": _NAME, "outputs": outputs}}))
        if isinstance(parsed.result, Manifest):
            return parsed.result
        why = parsed.exception
    except Exception as error:  # noqa: BLE001 - an adapter that can't even be imported, say
        why = error
    print(f"dbt can't be practised with {adapter}: {why}", flush=True)  # noqa: T201 - in the log
    return None


def _parse(profiles: str) -> dbtRunnerResult:
    with private_folder() as folder:
        for name, text in {**_FILES, "profiles.yml": profiles}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        places = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--log-path", str(folder)]
        return dbtRunner().invoke([*_OPTIONS, "parse", *places, "--target-path", str(folder / "target")])


def _made_up(adapter: str) -> dict[str, object]:
    """Return what a profile of an adapter has to have."""
    credentials: Any = FACTORY.load_plugin(adapter)
    declared = fields(credentials) if is_dataclass(credentials) else ()
    required = [field for field in declared if field.default is MISSING and field.default_factory is MISSING]
    return {field.name: _value(field.type) for field in required} | _MORE.get(adapter, {})


def _value(kind: Any) -> object:  # noqa: ANN401 - whatever an adapter declares
    return 1 if any(number in str(kind) for number in ("int", "Port")) else "x"
