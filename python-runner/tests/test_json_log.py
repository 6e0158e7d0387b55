"""dbt's JSON log and what surrounds it, read without a dbt.

The lines of dbt Fusion here are written by hand, in the shape of its source (its compatibility layer for dbt Core's
structured logs): Fusion itself does not run in these tests.
"""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from kestra_dbt.core.as_command import Listener
from kestra_dbt.core.collection import Collector
from kestra_dbt.core.command_context import CommandContext
from kestra_dbt.core.command_line import CommandLine
from kestra_dbt.core.failures import of_text
from kestra_dbt.core.json_log import parse
from kestra_dbt.core.judgement import judge
from kestra_dbt.core.reception import Reception
from kestra_dbt.core.translation import Translator, Wanted
from kestra_dbt.protocol import DbtCommand, Event, FailureCode, InvocationFinished, NodeStarted, Outcome, encode
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.results import Results
from kestra_dbt.terms.status import outcome

NOW = datetime.now(timezone.utc)
BUILD = DbtCommand(command=["build"])


def fusion_line(name: str, msg: str, level: str = "info", **data: Any) -> bytes:  # noqa: ANN401
    """Return a line of Fusion's log: its messages have no numbers of the threads' work, and times of nine digits."""
    info = {
        "category": "",
        "code": "",
        "extra": {},
        "invocation_id": "0",
        "level": level,
        "msg": msg,
        "name": name,
        "pid": 1,
        "thread": "tokio-rt-worker",
        "ts": f"{NOW:%Y-%m-%dT%H:%M:%S}.123456789Z",
    }
    return json.dumps({"info": info, "data": data}).encode() + b"\n"


def fusion_node(name: str, status: str, finished: str = "") -> dict[str, Any]:
    """Return what Fusion says of a node in its lines."""
    return {
        "unique_id": f"model.shop.{name}",
        "node_name": name,
        "node_path": f"models/{name}.sql",
        "resource_type": "model",
        "materialized": "table",
        "node_status": status,
        "node_checksum": "0",
        "node_started_at": f"{NOW:%Y-%m-%dT%H:%M:%S}.100000Z",
        "node_finished_at": finished,
        "node_relation": {"database": "db", "schema": "s", "alias": name, "relation_name": f"db.s.{name}"},
    }


def fusion_build() -> list[bytes]:
    """Return the log of a build with a model that is well and one that fails."""
    lines = [
        b"dbt-fusion 2.0.0 starts\n",
        fusion_line("MainReportVersion", "Running with dbt-fusion=2.0.0", version="=2.0.0"),
    ]
    lines.append(fusion_line("MainReportArgs", "running dbt-fusion", "debug", args={"invocation_command": "dbt build"}))
    for name, status in (("good", "success"), ("bad", "error")):
        started = fusion_node(name, "started")
        lines.append(fusion_line("NodeStart", "Began running node", "debug", node_info=started))
        lines.append(fusion_line("LogStartLine", f"Started model s.{name}", node_info=started))
        lines.append(fusion_line("NodeExecuting", "Started", "debug", node_info=fusion_node(name, "executing")))
        if status == "error":
            lines.append(
                fusion_line("Generic", "dbt1308: no such table", "error", node_info={"unique_id": "model.shop.bad"})
            )
        ended = fusion_node(name, status, f"{NOW:%Y-%m-%dT%H:%M:%S}.900000Z")
        lines.append(fusion_line("LogModelResult", "Finished", node_info=ended, status=status, execution_time=0.8))
        result = {"status": status, "execution_time": 0.8}
        lines.append(fusion_line("NodeFinished", "Finished", "debug", node_info=ended, run_result=result))
    lines.append(fusion_line("CommandCompleted", "Finished 'build' with 1 error", "error", success=False, elapsed=1.0))
    return lines


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project, the current one."""
    (tmp_path / "dbt_project.yml").write_text("name: 'shop'  # ours\nprofile: warehouse\ntarget-path: build\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    return tmp_path


def write_results(shop: Path) -> None:
    """Write what Fusion writes at its end: more of a node than its lines tell, and a node that they leave out."""
    target = shop / "build"
    target.mkdir()
    timing = [{"name": "execute", "started_at": f"{NOW:%Y-%m-%dT%H:%M:%S}.300000Z", "completed_at": None}]
    good = {
        "unique_id": "model.shop.good",
        "status": "success",
        "thread_id": "Thread-1",
        "execution_time": 0.8,
        "timing": timing,
        "adapter_response": {"rows_affected": 7},
        "message": "Succeeded",
    }
    missing = {"unique_id": "test.shop.not_null_good_id.0123", "status": "pass", "timing": [], "execution_time": 0.1}
    (target / "run_results.json").write_text(json.dumps({"results": [good, missing]}))
    manifest = {
        "metadata": {"project_name": "shop", "adapter_type": "snowflake"},
        "nodes": {
            "model.shop.good": {
                "unique_id": "model.shop.good",
                "resource_type": "model",
                "name": "good",
                "raw_code": "x",
            },
            "test.shop.not_null_good_id.0123": {
                "unique_id": "test.shop.not_null_good_id.0123",
                "resource_type": "test",
                "name": "not_null_good_id",
                "test_metadata": {"name": "not_null"},
                "column_name": "id",
                "attached_node": "model.shop.good",
            },
        },
    }
    (target / "manifest.json").write_text(json.dumps(manifest))


def test_lines_in_the_shape_of_fusion(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing in them is missing in the events, or comes from run_results.json; nothing is made up."""
    events: list[Event] = []
    context = CommandContext(CommandLine(["build"]))
    wanted = Wanted(debug=False, quiet=False, kept=False)
    translator = Translator(1, events.append, context, selection=None, wanted=wanted)
    listener = Listener(translator)
    write_results(shop)
    for line in fusion_build():
        listener.take(line, plain=True)
    translator.finish(context.results())
    assert translator.fault is None
    assert capsys.readouterr().out == "dbt-fusion 2.0.0 starts\n"
    assert listener.errors == ["Finished 'build' with 1 error"]

    results = Results(shop / "nodes.ion")
    passed: list[bytes] = []
    reception = Reception(results, Collector(OutputFolder(shop / "out", lambda _: None)), passed.append)
    for event in (*events, InvocationFinished(invocation=reception.connected(), exit_code=1, at=NOW)):
        reception.received(1, encode(event).rstrip(b"\n"))
    results.close()
    good, bad, test = results.nodes
    assert (good.label, good.rows_affected, good.thread, good.message, good.total) == (
        "good",
        7,
        "Thread-1",
        "Succeeded",
        None,
    )
    assert good.compiled_at
    assert good.started_at < good.compiled_at < good.finished_at
    assert (bad.outcome, bad.message, bad.rows_affected) == (Outcome.FAILED, "dbt1308: no such table", None)
    assert (test.label, test.parent, test.status) == ("not_null.id", "model.shop.good", "pass")
    assert [json.loads(row)["label"] for row in (shop / "nodes.ion").read_text().splitlines()] == [
        "good",
        "bad",
        "not_null.id",
    ]
    assert len([line for line in passed if b'"node_finished"' in line]) == 3  # the completed one stays here
    assert [e.unique_id for e in events if isinstance(e, NodeStarted)] == ["model.shop.good", "model.shop.bad"]
    verdict = judge(BUILD, 1, results, reception.failures, stopped=None)
    assert verdict.failure
    assert verdict.failure.sentence == "1 of 3 nodes failed: model bad."
    assert isinstance(events[1], type(events[1]))
    assert results.invocations[1].artifacts[:2] == ["manifest.json", "run_results.json"]


def test_a_node_that_never_ended_is_not_green(shop: Path) -> None:
    """Fusion does not say how many nodes there are; one that it began has to end."""
    events: list[Event] = []
    translator = Translator(
        1,
        events.append,
        CommandContext(CommandLine(["build"])),
        selection=None,
        wanted=Wanted(debug=False, quiet=False, kept=False),
    )
    for line in fusion_build()[1:5]:
        event = parse(line)
        assert event
        translator(event)
    results = Results(shop / "nodes.ion")
    reception = Reception(results, Collector(OutputFolder(shop / "out", lambda _: None)), lambda _: None)
    for told in (*events, InvocationFinished(invocation=reception.connected(), exit_code=0, at=NOW)):
        reception.received(1, encode(told).rstrip(b"\n"))
    results.close()
    verdict = judge(BUILD, 0, results, {}, stopped=None)
    assert verdict.failure
    assert "1 of the nodes that it selected were never reported" in verdict.failure.sentence


@pytest.mark.parametrize("line", [b"plain\n", b"{broken\n", b'{"a": 1}\n', b'{"info": {"msg": 1}}\n', b"[]\n"])
def test_what_is_no_event(line: bytes) -> None:
    """Whatever else is printed is no event, JSON or not."""
    assert parse(line) is None


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["build"], "build"),
        (["--no-partial-parse", "docs", "generate", "--static"], "docs generate"),
        (["--target", "test", "run"], "run"),
        (["--debug", "run", "--select", "test"], "run"),
        (["source", "freshness"], "source freshness"),
        (["--version"], "dbt"),
    ],
)
def test_the_command_of_arguments(arguments: list[str], command: str) -> None:
    """Whatever stands before it."""
    assert CommandLine(arguments).command() == command


def test_where_things_are(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the arguments, else the variables, else the project, else dbt's own defaults."""
    line = CommandLine(["build"])
    assert (line.log_path(), line.target_path(), line.target()) == (shop / "logs", shop / "build", "")
    (shop / "profiles.yml").write_text(
        "other:\n  target: no\n\nwarehouse:\n  # ours\n  target: 'dev' # now\n  outputs: {}\n"
    )
    assert line.target() == "dev"
    (shop / "profiles.yml").write_text('{"warehouse": {"target": "prod"}}')
    assert line.target() == "prod"
    (shop / "profiles.yml").write_text("warehouse:\n  target: \"{{ env_var('TARGET') }}\"\n")
    assert line.target() == ""
    monkeypatch.setenv("DBT_TARGET_PATH", "elsewhere")
    line = CommandLine(["build", "-t", "ci", "--log-path=logs2", "--project-dir", "sub"])
    assert (line.log_path(), line.target_path(), line.target()) == (shop / "logs2", shop / "sub" / "elsewhere", "ci")


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        (
            "Usage: dbt build\n\nError: No such option '--x'",
            FailureCode.REQUEST,
            "dbt does not take these arguments: No such",
        ),
        (
            "Encountered an error:\nCompilation Error\n  in model a",
            FailureCode.PROJECT,
            "The project does not compile: in model a.",
        ),
        (
            "Runtime Error\n  Could not find adapter type x!",
            FailureCode.ENVIRONMENT,
            "The profile asks for the adapter `x`",
        ),
        ("dbt1013: YAML error", FailureCode.INTERNAL, "dbt failed: dbt1013: YAML error."),
    ],
)
def test_errors_that_are_text(text: str, code: FailureCode, sentence: str) -> None:
    """They are told as those that are Python exceptions."""
    failure = of_text(text, "/bin/dbt")
    assert failure.code is code
    assert failure.sentence.startswith(sentence)


def test_cancelled_is_not_well() -> None:
    """A node that Fusion cancelled was not built."""
    assert outcome("cancelled") is Outcome.FAILED
    assert outcome("reused") is Outcome.SUCCESS
