"""Each dbt command with real dbt on DuckDB: what it reports, and what it leaves."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, Runner, duckdb_profile

from kestra_dbt.protocol import (
    DbtCommand,
    DbtOptions,
    FailureCode,
    Log,
    NodeFinished,
    NodeStarted,
    Outcome,
    Secrets,
    ShellScript,
    WarnErrorOptions,
)

Project = Callable[[str], Path]
PROFILES = duckdb_profile()
SECRETS = Secrets(profiles=PROFILES)
THREE_DAYS = DbtOptions(event_time_start="2026-01-01", event_time_end="2026-01-04")


def rows(run: Run, name: str = "nodes.ion") -> list[dict[str, Any]]:
    """Return the rows of a table."""
    return [json.loads(line) for line in run.artifact(name).read_text().splitlines()]


def dbt(*command: str, args: list[str] | None = None, **options: Any) -> DbtCommand:  # noqa: ANN401
    """Return a request."""
    return DbtCommand(command=list(command), options=DbtOptions(**options), args=args or [])


def test_list(carry_out: Runner, project: Project) -> None:
    """What is listed is a table with a row a node, and is not logged once more."""
    run = carry_out(dbt("list", select=["+stg_orders", "source:*"]), SECRETS, folder=project("shop"))
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    listed = {row["unique_id"]: row for row in rows(run)}
    assert listed["model.shop.stg_orders"] == {
        "unique_id": "model.shop.stg_orders",
        "name": "stg_orders",
        "resource_type": "model",
        "package": "shop",
        "path": "models/staging/stg_orders.sql",
        "tags": ["staging"],
        "materialized": "view",
        "depends_on": ["source.shop.web_shop.orders", "seed.shop.orders"],
    }
    assert listed["source.shop.web_shop.orders"]["name"] == "web_shop.orders"
    assert not [log for log in run.of(Log) if log.message.startswith("{")]
    assert not run.of(NodeFinished)
    assert f"{len(listed)} rows in nodes.ion" in run.artifact("summary.md").read_text()


def test_list_of_chosen_fields(carry_out: Runner, project: Project) -> None:
    """The fields that are asked for are the columns, nested ones too."""
    request = dbt("list", select=["stg_orders"], resource_types=["model"], output_keys=["name", "config.materialized"])
    run = carry_out(request, SECRETS, folder=project("shop"))
    assert rows(run) == [{"name": "stg_orders", "config.materialized": "view"}]


def test_list_in_another_format(carry_out: Runner, project: Project) -> None:
    """Whoever asks dbt for another format gets its lines."""
    request = dbt("ls", select=["stg_orders"], resource_types=["model"], args=["--output", "path"])
    run = carry_out(request, SECRETS, folder=project("shop"))
    assert rows(run) == [{"name": "models/staging/stg_orders.sql"}]


def test_list_of_nothing(carry_out: Runner, project: Project) -> None:
    """An empty list is told, with the reason."""
    run = carry_out(dbt("list", select=["tag:nobody"]), SECRETS, folder=project("shop"))
    assert (run.ended.outcome, run.ended.reason) == (
        Outcome.WARNING,
        "`dbt list` listed nothing: `--select tag:nobody` selects nothing.",
    )
    assert rows(run) == []


def test_a_list_in_a_script_is_printed(carry_out: Runner, project: Project) -> None:
    """In a script nothing changes: what is listed is printed into the log."""
    secrets = Secrets(profiles=PROFILES, script="dbt ls --select stg_orders --resource-type model")
    run = carry_out(ShellScript(), secrets, folder=project("shop"))
    assert run.ended.outcome is Outcome.SUCCESS
    assert "shop.staging.stg_orders" in run.plain


def test_show(carry_out: Runner, project: Project) -> None:
    """Rows come with every digit, as many as are asked for, however large they are."""
    run = carry_out(dbt("show", select=["thing.v2"]), SECRETS, folder=project("special"))
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    text = run.artifact("rows.ion").read_text()
    assert '"huge": 12345678901234567890123456789012345,' in text
    (row,) = rows(run, "rows.ion")
    assert {name: row[name] for name in ("thing_id", "price", "nothing", "yes", "day", "moment")} == {
        "thing_id": 1,
        "price": 1.1,
        "nothing": None,
        "yes": True,
        "day": "2026-01-01",
        "moment": "2026-01-01T10:20:30.500000",
    }
    assert len(row["much"]) == 250_000
    assert list(run.nodes) == ["model.special.thing.v2"]


def test_show_of_a_query(carry_out: Runner, project: Project) -> None:
    """A query may use Jinja; an ephemeral model, which no table has, shows its rows as well."""
    request = dbt("show", inline="select * from {{ ref('passing') }} where moment_id > {{ var('above') }}", limit=-1)
    folder = project("special")
    secrets = Secrets(profiles=PROFILES, vars={"above": 2})
    carry_out(dbt("run", select=["moments"]), SECRETS, folder=folder)
    run = carry_out(request, secrets, folder=folder)
    assert run.code == 0, run
    assert [row["moment_id"] for row in rows(run, "rows.ion")] == [3, 4, 5, 6, 7, 8]
    run = carry_out(dbt("show", select=["passing", "thing"], limit=1), SECRETS, folder=folder)
    assert {row["unique_id"] for row in rows(run, "rows.ion")} == {
        *("model.special.passing", "model.special.thing.v1", "model.special.thing.v2")
    }


def test_freshness(carry_out: Runner, project: Project) -> None:
    """Each source is a node with its own state and a name for people; one that is too old fails the run."""
    folder = project("shop")
    sources = folder / "models" / "staging" / "sources.yml"
    carry_out(dbt("seed", select=["orders"]), SECRETS, folder=folder)
    run = carry_out(dbt("source", "freshness"), SECRETS, folder=folder)
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    node = run.nodes["source.shop.web_shop.orders"]
    assert (node.label, node.resource_type, node.status) == ("web_shop.orders", "source", "pass")
    assert {"sources.json", "nodes.ion"} <= run.artifacts

    text = sources.read_text()
    sources.write_text(text.replace("error_after: {count: 36500", "warn_after: {count: 1"))
    elsewhere = DbtCommand(command=["source", "freshness"], args=["--output", "ages.json"])
    run = carry_out(elsewhere, SECRETS, folder=folder)
    assert json.loads(run.artifact("sources.json").read_text()) == json.loads((folder / "ages.json").read_text())
    assert (run.code, run.ended.outcome) == (0, Outcome.WARNING)
    assert run.ended.reason == "1 of 2 nodes ended with a warning: source web_shop.orders."  # a hook is the other

    sources.write_text(text.replace("count: 36500", "count: 1"))
    run = carry_out(dbt("source", "freshness"), SECRETS, folder=folder)
    assert (run.code, run.failure.code) == (1, FailureCode.NODES)
    assert run.failure.sentence == "1 of 2 nodes failed: source web_shop.orders."
    assert "sources.json" in run.artifacts

    run = carry_out(dbt("source", "freshness"), SECRETS, folder=project_without_sources(folder))
    assert run.ended.reason == "`dbt source freshness` checked nothing: no source of the project has a `freshness`."


def project_without_sources(folder: Path) -> Path:
    """Take the limits of freshness away."""
    sources = folder / "models" / "staging" / "sources.yml"
    sources.write_text(sources.read_text().partition("        config:")[0])
    return folder


def test_an_operation(carry_out: Runner, project: Project) -> None:
    """Arguments of a macro reach it, and appear in no file of ours; dbt writes them into its run results alone."""
    secrets = Secrets(profiles=PROFILES, macro_args={"text": "hunter2-planted", "times": 2})
    run = carry_out(dbt("run-operation", "note"), secrets, folder=project("special"))
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    assert [log.message for log in run.of(Log)].count("Noted: 15 characters") == 2
    assert b"hunter2-planted" not in run.raw
    kept = [file.name for file in run.output.rglob("*") if file.is_file() and b"hunter2-planted" in file.read_bytes()]
    assert kept == ["run_results.json"]


def test_an_operation_that_fails(carry_out: Runner, project: Project) -> None:
    """Why it failed is said, and so is that there is no such macro."""
    folder = project("special")
    run = carry_out(dbt("run-operation", "boom"), SECRETS, folder=folder)
    assert (run.code, run.failure.code) == (1, FailureCode.PROJECT)
    assert run.failure.sentence.startswith("The macro failed: ")
    assert "The operation went wrong." in run.failure.sentence
    run = carry_out(dbt("run-operation", "nope"), SECRETS, folder=folder)
    assert (run.code, run.failure.code) == (2, FailureCode.REQUEST)
    assert "'nope'" in run.failure.sentence


def test_retry(carry_out: Runner, project: Project) -> None:
    """It goes on from an earlier run's results: batches that failed, and nothing else."""
    folder = project("special")
    broken = Secrets(profiles=PROFILES, vars={"broken_day": "2026-01-02"})
    run = carry_out(DbtCommand(command=["run"], options=THREE_DAYS), broken, folder=folder)
    assert run.failure.sentence.startswith("1 of "), run
    assert "model batched" in run.failure.sentence
    (folder / "state").mkdir()
    shutil.copy(run.artifact("run_results.json"), folder / "state")
    sql = folder / "models" / "batched.sql"
    sql.write_text(sql.read_text().replace("error('this day is broken')", "-1"))

    run = carry_out(dbt("retry", state="state"), SECRETS, folder=folder)
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    assert [node.label for node in run.of(NodeFinished) if node.resource_type == "model"] == ["batched"]
    batches = [log.message for log in run.logs("model.special.batched") if "START batch" in log.message]
    assert len(batches) == 1
    assert "2026-01-02" in batches[0]

    shutil.copy(run.artifact("run_results.json"), folder / "state")
    run = carry_out(dbt("retry", state="state"), SECRETS, folder=folder)
    assert run.ended.reason == "`dbt retry` retried nothing: no node of the earlier run failed or was skipped."
    run = carry_out(dbt("retry", state="nowhere"), SECRETS, folder=folder)
    assert (run.code, run.failure.code) == (2, FailureCode.REQUEST)
    assert run.failure.sentence.startswith("There is no earlier run to retry: no run_results.json is in `nowhere`")


def test_state_is_relative_to_the_working_directory(carry_out: Runner, project: Project) -> None:
    """A folder of an earlier state lies where `inputFiles` put it, also when the project is in a folder of its own."""
    folder = project("special")
    run = carry_out(dbt("parse"), SECRETS, folder=folder)
    (folder.parent / "state").mkdir()
    shutil.copy(run.artifact("manifest.json"), folder.parent / "state")
    request = dbt("list", project_dir="work", state="state", select=["state:modified", "thing.v1"])
    run = carry_out(request, SECRETS, folder=folder.parent)
    assert [row["unique_id"] for row in rows(run)] == ["model.special.thing.v1"], run
    assert "manifest.json" in run.artifacts


def test_clone(carry_out: Runner, project: Project) -> None:
    """Relations of an earlier state are cloned into this target, each a node."""
    folder = project("special")
    target = json.loads(PROFILES)["shop"]["outputs"]["dev"]
    profiles = json.dumps({"shop": {"target": "dev", "outputs": {"dev": target, "ci": {**target, "schema": "ci"}}}})
    run = carry_out(dbt("run", select=["thing"]), Secrets(profiles=profiles), folder=folder)
    (folder / "state").mkdir()
    shutil.copy(run.artifact("manifest.json"), folder / "state")
    request = dbt("clone", select=["thing"], state="state", target="ci")
    run = carry_out(request, Secrets(profiles=profiles), folder=folder)
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    assert {node.label for node in run.of(NodeFinished)} >= {"thing.v1", "thing.v2"}


@pytest.mark.parametrize(
    ("command", "artifacts"),
    [
        (("parse",), {"manifest.json", "semantic_manifest.json"}),
        (("compile",), {"manifest.json", "run_results.json", "target.zip"}),
    ],
)
def test_commands_that_only_look(
    carry_out: Runner, project: Project, command: tuple[str, ...], artifacts: set[str]
) -> None:
    """They end well without anything in the warehouse, and leave what they wrote."""
    run = carry_out(dbt(*command), SECRETS, folder=project("special"))
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    assert artifacts <= run.artifacts


def test_compile_of_an_ephemeral_model(carry_out: Runner, project: Project) -> None:
    """What is compiled is a node, also a model that is only a part of others; nothing compiled is told."""
    folder = project("special")
    run = carry_out(dbt("compile", select=["passing"]), SECRETS, folder=folder)
    assert (run.ended.outcome, list(run.nodes)) == (Outcome.SUCCESS, ["model.special.passing"])
    run = carry_out(dbt("compile", select=["tag:nobody"]), SECRETS, folder=folder)
    assert run.ended.reason == "`dbt compile` compiled nothing: `--select tag:nobody` selects nothing."


def test_docs(carry_out: Runner, project: Project) -> None:
    """The documentation is one page, with the catalog and the manifest beside it; no node is reported."""
    folder = project("special")
    run = carry_out(dbt("docs", "generate", static=True), SECRETS, folder=folder)
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    assert {"docs.html", "catalog.json", "manifest.json"} <= run.artifacts
    assert not run.of(NodeFinished)


def test_deps(carry_out: Runner, project: Project) -> None:
    """Packages are installed into the project; a project without any is fine."""
    folder = project("special")
    assert carry_out(dbt("deps"), SECRETS, folder=folder).ended.outcome is Outcome.SUCCESS
    package = folder.parent / "helpers"
    package.mkdir()
    (package / "dbt_project.yml").write_text("name: helpers\n")
    (folder / "packages.yml").write_text("packages:\n  - local: ../helpers\n")
    run = carry_out(dbt("deps", upgrade=True), SECRETS, folder=folder)
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    assert (folder / "dbt_packages" / "helpers").exists()


def test_warnings_as_errors(carry_out: Runner, project: Project) -> None:
    """Some warnings can be errors; one that dbt does not know is named."""
    folder = project("special")
    chosen = WarnErrorOptions(error=["NoNodesForSelectionCriteria"])
    run = carry_out(dbt("compile", select=["nope"], warn_error_options=chosen), SECRETS, folder=folder)
    assert run.code == 2
    assert "nope" in run.failure.sentence
    unknown = WarnErrorOptions(error=["NoSuchThing"])
    run = carry_out(dbt("compile", warn_error_options=unknown), SECRETS, folder=folder)
    assert run.failure.sentence == "`warnErrorOptions` names `NoSuchThing`, which is no warning of this dbt."
    message = {"kind": "dbt_command", "command": ["parse"], "options": {"warn_error_options": {"eror": "all"}}}
    run = carry_out(message, SECRETS, folder=folder)
    assert "warn_error_options.eror" in run.failure.sentence


def test_everything_special(carry_out: Runner, project: Project) -> None:
    """Hooks, batches, versions, unit tests and very long ids are each one node, with one start and one end."""
    run = carry_out(DbtCommand(command=["build"], options=THREE_DAYS), SECRETS, folder=project("special"))
    assert (run.code, run.ended.outcome) == (0, Outcome.WARNING), run
    assert run.ended.reason == "1 of 11 nodes ended with a warning: test few_moments."
    finished = [node.unique_id for node in run.of(NodeFinished)]
    assert len(finished) == len(set(finished)) == len(rows(run))
    started = [node.unique_id for node in run.of(NodeStarted)]
    assert len(started) == len(set(started))
    labels = {
        node.resource_type: {n.label for n in run.nodes.values() if n.resource_type == node.resource_type}
        for node in run.nodes.values()
    }
    assert labels["model"] == {"moments", "batched", "reading", "thing.v1", "thing.v2"}
    assert labels["operation"] == {"special-on-run-start-0", "special-on-run-end-0"}
    assert labels["unit_test"] == {"reading_counts"}
    assert max(map(len, finished)) > 300
    batched = run.nodes["model.special.batched"]
    lines = [log.message for log in run.logs("model.special.batched")]
    assert len([line for line in lines if "START batch" in line]) == 3
    assert len([line for line in lines if "OK created batch" in line]) == 3
    assert batched.started_at < batched.finished_at


def test_some_batches_fail(carry_out: Runner, project: Project) -> None:
    """A model of which some batches failed is one failed node, that says how many went well."""
    secrets = Secrets(profiles=PROFILES, vars={"broken_day": "2026-01-02"})
    options = THREE_DAYS.model_copy(update={"select": ["+batched"]})
    run = carry_out(DbtCommand(command=["run"], options=options), secrets, folder=project("special"))
    (batched,) = [node for node in run.of(NodeFinished) if node.label == "batched"]
    assert (batched.status, batched.outcome) == ("partial success", Outcome.FAILED)
    assert batched.message == "PARTIAL SUCCESS (2/3)"
    assert any("this day is broken" in log.message for log in run.logs("model.special.batched"))
    assert "model batched" in run.failure.sentence
