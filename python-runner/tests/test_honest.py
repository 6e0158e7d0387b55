"""Attempts at a green run that is none, with real dbt on DuckDB."""

import json
import textwrap
from datetime import datetime, timezone
from pathlib import Path

import pytest
from conftest import Runner, duckdb_profile

from kestra_dbt.core.collection import Collector, Places
from kestra_dbt.protocol import (
    DbtCommand,
    FailureCode,
    InvocationFinished,
    InvocationStarted,
    Judgement,
    NodeFinished,
    Outcome,
    Secrets,
    ShellScript,
)
from kestra_dbt.report.output import OutputFolder

PROJECT = {
    "dbt_project.yml": "{name: shop, profile: shop}",
    "models/orders.sql": "select 1 as id, 7 as customer_id union all select 1, null",
    "models/orders.yml": """
        models:
          - name: orders
            columns:
              - name: id
                data_tests:
                  - unique: {config: {store_failures: true}}
              - name: customer_id
                data_tests:
                  - not_null: {config: {severity: warn}}
    """,
}


def make(folder: Path, files: dict[str, str]) -> Path:
    """Write a project."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return folder


def script(text: str) -> Secrets:
    """Return secrets with a script and a profile."""
    return Secrets(profiles=duckdb_profile(), script=textwrap.dedent(text))


def test_failing_tests_say_where_their_rows_are(carry_out: Runner, tmp_path: Path) -> None:
    """The table that has the rows, or the query that shows them: in the detail, the log, the table, the page."""
    run = carry_out(DbtCommand(command=["build"]), Secrets(profiles=duckdb_profile()), folder=make(tmp_path, PROJECT))
    assert (run.code, run.failure.code) == (1, FailureCode.NODES)
    unique, not_null = (
        next(n for n in run.of(NodeFinished) if f".{name}_" in n.unique_id) for name in ("unique", "not_null")
    )
    assert unique.query == 'select * from "dev"."main_dbt_test__audit"."unique_orders_id"'
    assert not_null.query == "compiled/shop/models/orders.yml/not_null_orders_customer_id.sql"
    assert f"its rows: {unique.query}" in (run.failure.detail or "")
    for test, where in ((unique, unique.query), (not_null, f"{not_null.query} in target.zip")):
        assert [log.message for log in run.logs(test.unique_id) if where in log.message] == [f"Its rows: {where}"]
        assert where.replace('"', "") in run.artifact("summary.md").read_text().replace('"', "")
    rows = [json.loads(line) for line in run.artifact("nodes.ion").read_text().splitlines()]
    assert {row["unique_id"]: row["query"] for row in rows if row["query"]} == {
        test.unique_id: test.query for test in (unique, not_null)
    }


def test_every_dbt_of_a_script_counts(carry_out: Runner, tmp_path: Path) -> None:
    """Silent, in a subshell, in the background, in a pipe, elsewhere: each is followed, with its own results."""
    files = {
        **PROJECT,
        "target/run_results.json": '{"metadata": {"invocation_id": "of an earlier run"}, "results": []}',
    }
    files["dbt_project.yml"] = "{name: shop, profile: shop, models: {shop: {nothing: {+enabled: true}}}}"
    del files["models/orders.yml"]
    text = """
        (dbt build --no-write-json --quiet)
        dbt run --log-level none --target-path one &
        wait $!
        dbt run --models orders --target-path one | cat
    """
    request = ShellScript(judgement=Judgement(warnings="all"))
    run = carry_out(request, script(text), folder=make(tmp_path, files))
    assert {name for name in run.artifacts if name.endswith("-run/run_results.json")} == {
        "2-run/run_results.json",
        "3-run/run_results.json",
    }
    assert "1-build/run_results.json" not in run.artifacts
    for event in run.of(InvocationStarted)[1:]:
        kept = json.loads(run.artifact(f"{event.invocation}-run/run_results.json").read_text())
        assert kept["metadata"]["invocation_id"] == event.invocation_id
    assert "told to write no results" in run.artifact("summary.md").read_text()
    assert [n.invocation for n in run.of(NodeFinished)] == [1, 2, 3]
    warned = [set(event.warnings) for event in run.of(InvocationFinished)]
    unused = "UnusedResourceConfigPath"
    assert warned == [{unused}, {unused}, {unused, "ModelParamUsageDeprecation"}]
    assert (run.code, run.ended.outcome) == (0, Outcome.WARNING), run
    assert "`dbt run` (number 3) warned: " in (run.ended.reason or "")


@pytest.mark.parametrize(
    "text",
    [
        "dbt build & exit 0",
        "PYTHONHOME=/nowhere dbt build || true",
        'dbt parse --quiet; timeout 30 python3 -c \'import os, subprocess; subprocess.Popen(["dbt", "build"])\'',
    ],
    ids=["background", "no_python", "left_behind"],
)
def test_a_dbt_that_never_got_to_work(carry_out: Runner, tmp_path: Path, text: str) -> None:
    """A dbt that the script does not wait for, or that died before it could tell anything, is no success."""
    run = carry_out(ShellScript(), script(text), folder=make(tmp_path, PROJECT))
    assert (run.code, run.ended.outcome) == (1, Outcome.FAILED), run
    assert "never got to work" in run.failure.sentence or "in the middle" in run.failure.sentence


@pytest.mark.parametrize(("owner", "taken"), [("mine", True), ("another", False)])
def test_results_of_another_dbt_in_the_same_folder(tmp_path: Path, owner: str, taken: bool) -> None:
    """Of two that write to the same folder at once, one finds the other's results: they are not taken for its own."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "run_results.json").write_text(json.dumps({"metadata": {"invocation_id": owner}, "results": []}))
    collector = Collector(OutputFolder(tmp_path / "output", lambda _: None))
    places = Places(datetime.now(timezone.utc), target=target, invocation_id="mine")
    assert collector.collect("1-build", places, ran_nodes=True) == (["run_results.json"] if taken else [])
