"""What a graph of tasks shares with a single build: state, packages, documentation; and what it says without a pack."""

import json
import venv
from importlib.metadata import version
from pathlib import Path

import duckdb as database
import graphs
import pytest
from client import Engine
from test_graph import Groups, states, statuses

MACRO = "{% macro greeting() %}'hello'{% endmacro %}"
MODELS = {
    "begin": "select 1 as id, {{ friendly.greeting() }} as said",
    "middle": "select id, said from {{ ref('begin') }}",
    "end": "select count(*) as n from {{ ref('middle') }}",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a project of a chain of models, which needs a local package."""
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "friendly" / "macros").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: chain\nprofile: chain\n")
    (folder / "packages.yml").write_text("packages:\n  - local: friendly\n")
    (folder / "friendly" / "dbt_project.yml").write_text("name: friendly\n")
    (folder / "friendly" / "macros" / "greeting.sql").write_text(MACRO)
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(f"{{{{ config(materialized='table') }}}} {sql}")
    return folder


def profiles(warehouse: Path) -> graphs.Profiles:
    """Return a profile whose target `ci` is a schema of its own in the same warehouse."""
    output = {"type": "duckdb", "path": str(warehouse)}
    outputs = {"dev": output, "ci": {**output, "schema": "ci"}}
    return {"chain": {"target": "dev", "outputs": outputs}}


def groups(*names: str) -> Groups:
    """Return a task a model, each after the one before."""
    above = [[], *([name] for name in names[:-1])]
    return {name: ([f"model.chain.{name}"], before) for name, before in zip(names, above, strict=True)}


@pytest.mark.by_turns
def test_a_graph_keeps_the_state_and_a_later_one_defers_to_it(engine: Engine, tmp_path: Path, files: Path) -> None:
    """Whole, it replaces the state and writes the documentation; of a part, it does not, and reads what it lacks."""
    warehouse = profiles(tmp_path / "chain.duckdb")
    documented = {"generateDocs": True, "profiles": warehouse}
    flow = graphs.flow(groups(*MODELS), warehouse, prepare={"state": "auto"}, collect=documented)
    whole = engine.run(flow, tmp_path / "1", files=files, timeout=120)
    assert whole.state == "SUCCESS", whole.log_text
    assert "State kept: project chain, target dev, branch main." in whole.log_text
    assert {"catalog.json", "docs.html", "run_results.json"} <= set(whole.outputs("collect")["artifacts"])
    catalog = json.loads(whole.files["collect/catalog.json"].read_bytes())
    assert set(catalog["nodes"]) == {f"model.chain.{name}" for name in MODELS}
    assert statuses(whole, "collect") == {f"model.chain.{name}": "success" for name in MODELS}

    part = graphs.flow(
        groups("middle"), warehouse, prepare={"target": "ci", "state": "auto:dev", "defer": True, "vars": {"more": 1}}
    )
    slim = engine.run(part, tmp_path / "2", files=files, timeout=120)
    assert slim.state == "SUCCESS", slim.log_text
    assert "State: project chain, target dev, branch main, of execution" in slim.log_text
    assert "State kept" not in slim.log_text
    with database.connect(str(tmp_path / "chain.duckdb"), read_only=True) as connection:
        assert connection.execute("select said from ci.middle").fetchall() == [("hello",)]
        made = connection.execute("select table_name from information_schema.tables where table_schema = 'ci'")
        assert made.fetchall() == [("middle",)]


SOURCES = """
sources:
  - name: raw
    schema: main
    tables:
      - name: events
        config: {loaded_at_field: happened, freshness: {error_after: {count: 1, period: day}}}
"""


@pytest.mark.by_turns
def test_a_source_that_is_too_old_holds_back_what_reads_it(engine: Engine, tmp_path: Path, files: Path) -> None:
    """The other branch runs, in an environment of its own, of the same dbt as that of Prepare; the state stays."""
    (files / "models" / "sources.yml").write_text(SOURCES)
    (files / "models" / "reads.sql").write_text("select * from {{ source('raw', 'events') }}")
    with database.connect(str(tmp_path / "chain.duckdb")) as connection:
        connection.execute("create table events as select timestamp '2020-01-01 00:00:00' as happened")
    tasks = groups("begin")
    tasks["fresh"] = (["source.chain.raw.events"], [])
    tasks["reads"] = (["model.chain.reads"], ["fresh"])
    venv.create(tmp_path / "bare", with_pip=False)
    apart = {
        "pythonPath": str(tmp_path / "bare" / "bin" / "python"),
        "dependencies": [f"{name}=={version(name)}" for name in ("dbt-core", "dbt-duckdb")],
        "env": {"KESTRA_DBT_CACHE": str(tmp_path / "cache")},
    }
    warehouse = profiles(tmp_path / "chain.duckdb")
    documented = {"generateDocs": True, "profiles": warehouse}
    flow = graphs.flow(tasks, warehouse, prepare={"state": "auto"}, nodes={"begin": apart}, collect=documented)
    result = engine.run(flow, tmp_path / "out", files=files, timeout=180)
    assert states(result) == {
        "prepare": "SUCCESS",
        "dbt": "FAILED",
        "begin": "SUCCESS",
        "fresh": "FAILED",
        "collect": "WARNING",
    }, result.log_text
    assert statuses(result, "collect") == {"model.chain.begin": "success", "model.chain.reads": "skipped"}
    assert json.loads(result.files["collect/sources.json"].read_bytes())["results"][0]["status"] == "error"
    assert "docs.html" not in result.outputs("collect")["artifacts"]
    assert "source.chain.raw.events and 1 more failed or did not run" in result.log_text
    assert (tmp_path / "cache" / "environments").is_dir()


@pytest.mark.by_turns
def test_a_graph_without_a_pack_says_so(engine: Engine, tmp_path: Path, files: Path) -> None:
    """After a Prepare that failed, Collect tells that in a sentence instead of Kestra's own about outputs."""
    flow = graphs.flow(groups("begin"), profiles(tmp_path / "chain.duckdb"), prepare={"projectDir": "nowhere"})
    result = engine.run(flow, tmp_path / "out", files=files, timeout=120)
    assert states(result) == {"prepare": "FAILED", "collect": "FAILED"}, result.log_text
    assert "Prepare made no pack, so no node ran and there is nothing to collect" in result.log_text
