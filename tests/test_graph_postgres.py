"""PostgreSQL with several dbts at a time: a graph with a failure in its middle, and a schema that two create."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import graphs
import pytest
from client import Engine, Result
from generate import generate
from postgres import Postgres
from test_graph import attempts, states, statuses
from waiting import wait_until

MODELS, WIDTH = 150, 10


def profiles(postgres: Postgres, schema: str) -> graphs.Profiles:
    """Return profiles that lead to a schema of the test's server."""
    server = {"type": "postgres", "host": "127.0.0.1", "user": "dbt", "password": "x", "port": postgres.port}
    return {
        "bench": {"target": "dev", "outputs": {"dev": {**server, "dbname": "postgres", "schema": schema, "threads": 4}}}
    }


def band(node: graphs.Manifest) -> str:
    """Return the group of a model: three steps of half of the chains, which depend on earlier steps alone."""
    _, chain, _, step = str(node["name"]).split("_")
    return f"steps_{int(step) // 3}_{'left' if int(chain) < WIDTH // 2 else 'right'}"


def contents(postgres: Postgres, schema: str) -> list[str]:
    """Return what is in each relation of a schema."""
    named = f"select table_name from information_schema.tables where table_schema = '{schema}'"  # noqa: S608
    names = sorted(postgres.rows(named))
    each = (f"select '{name}', count(*), sum(id), sum(value) from {schema}.{name}" for name in names)  # noqa: S608
    return postgres.rows(" union all ".join(each) + " order by 1")


def most_at_a_time(result: Result, tasks: list[str]) -> int:
    """Return how many of these tasks ran at a time."""
    spans = [_span(run) for run in result.task_runs if run["taskId"] in tasks]
    return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)


def _span(run: dict[str, Any]) -> tuple[str, str]:
    histories = {entry["state"]: entry["date"] for entry in run["state"]["histories"]}
    return histories["RUNNING"], run["state"]["histories"][-1]["date"]


@pytest.mark.by_turns
def test_a_large_graph_ends_as_one_build(engine: Engine, tmp_path: Path, postgres: Postgres) -> None:
    """After a restart that mends the failure, the warehouse and all results are those of one build of all."""
    files = tmp_path / "bench"
    generate(files, MODELS, 100, WIDTH)
    planted = files / "models" / "chain_02" / "chain_02_step_0007.sql"
    planted.write_text(planted.read_text().replace("\nfrom ", "\nfrom (select 1 as one from public.gate) as gate, "))
    groups = graphs.by_group(graphs.parse(files, profiles(postgres, "parts"), tmp_path / "parse"), band)
    assert len(groups) == 10

    result = engine.run(
        graphs.flow(groups, profiles(postgres, "parts"), concurrent=2), tmp_path / "1", files=files, timeout=240
    )
    assert states(result)["steps_2_left"] == "FAILED", result.log_text
    assert states(result)["steps_2_right"] == "SUCCESS"
    assert most_at_a_time(result, list(groups)) == 2
    found = statuses(result, "collect")
    assert found["model.bench.chain_02_step_0007"] == "error"
    assert found["model.bench.chain_02_step_0014"] == "skipped"
    assert found["model.bench.chain_07_step_0008"] == "success"

    postgres.rows("create table public.gate as select 1 as one")
    engine.restart(result.execution_id)
    result = engine.wait(result.execution_id, tmp_path / "2", timeout=240)
    assert result.state == "SUCCESS", result.log_text
    tried = attempts(result)
    assert [tried[name] for name in ("steps_0_left", "steps_2_right", "steps_2_left")] == [1, 1, 2]

    build = {"id": "build", "type": "io.kestradbt.core.Build", "namespaceFiles": {"enabled": True}}
    build["profiles"] = profiles(postgres, "one")
    whole = {"id": "one", "namespace": "company.tests", "tasks": [build]}
    one = engine.run(json.dumps(whole) + "\n", tmp_path / "3", files=files, timeout=240)
    assert statuses(result, "collect") == statuses(one, "build")
    assert len(contents(postgres, "parts")) == MODELS
    assert contents(postgres, "parts") == contents(postgres, "one")


@pytest.mark.by_turns
def test_a_schema_that_another_creates_at_the_same_time(engine: Engine, tmp_path: Path, postgres: Postgres) -> None:
    """PostgreSQL refuses the second of two creations that it has let begin; the build goes on, for the schema is there.

    The first one is held open here until dbt's waits for it.
    """
    files = tmp_path / "bench"
    generate(files, 4, 10, 2)
    build = {"id": "build", "type": "io.kestradbt.core.Build", "namespaceFiles": {"enabled": True}}
    build["profiles"] = profiles(postgres, "raced")
    flow = json.dumps({"id": "raced", "namespace": "company.tests", "tasks": [build]}) + "\n"
    another = """begin; create schema raced; do $$ begin
        for i in 1..600 loop
            if exists (select 1 from pg_locks where not granted) then return; end if;
            perform pg_sleep(0.1);
        end loop;
        raise exception 'nobody has waited for the schema';
    end $$; commit"""
    begun = "select 1 from pg_stat_activity where query like 'begin; create schema raced%'"

    with ThreadPoolExecutor() as pool:
        created = pool.submit(postgres.rows, another)
        wait_until(lambda: postgres.rows(begun))
        result = engine.run(flow, tmp_path / "out", files=files)
        created.result()
    assert result.state == "SUCCESS", result.log_text
    assert len(contents(postgres, "raced")) == 4
    log = result.files["build/dbt.log"].read_text()
    assert "pg_namespace_nspname_index" in log
