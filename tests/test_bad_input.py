"""Bad input and bad luck: each ends in one clear sentence, and what was there before it is kept."""

import os
import signal
import threading
import time
import venv
from pathlib import Path

import flows
import pytest
from client import Engine, FlowRefused, Result
from conftest import RunFlow
from test_core_build import assert_node_runs_are_true, logs_of, node_runs, rows


def error(result: Result, task_id: str = "build") -> str:
    """Return the task's error, asserting that people see no stack trace."""
    task_run = result.task_run(task_id)
    seen = [log for log in result.logs if log.get("taskRunId") == task_run["id"] and log["level"] in ("WARN", "ERROR")]
    text = "\n".join(str(log["message"]) for log in seen)
    assert "\tat io.kestra" not in text
    assert "Traceback (most recent" not in text
    errors = [str(log["message"]) for log in seen if log["level"] == "ERROR"]
    return errors[-1] if errors else ""


@pytest.mark.container
def test_a_failing_model(run_flow: RunFlow) -> None:
    """The task fails, the failing node is named, and artifacts and node task runs are there."""
    result = run_flow(flows.build(), project="broken/failing_model")
    assert result.state == "FAILED"
    assert error(result).startswith("1 of 4 nodes failed: model boom; 1 was skipped because of that.")
    outputs = result.outputs("build")
    assert outputs["failed"] == ["model.failing_model.boom"]
    assert (outputs["summary"]["failed"], outputs["exitCode"]) == (1, 1)
    assert {"build/manifest.json", "build/run_results.json", "build/dbt.log", "build/summary.md"} <= set(result.files)
    assert_node_runs_are_true(result)
    states = {run["taskId"]: run["state"]["current"] for run in node_runs(result).values()}
    assert states == {"boom": "FAILED", "after_boom": "SKIPPED", "elsewhere": "SUCCESS", "after_elsewhere": "SUCCESS"}
    boom = [str(log["message"]) for log in result.logs if log.get("taskId") == "boom" and log["level"] == "ERROR"]
    assert any("Error" in message and "\n" in message for message in boom), "the node's own log has dbt's whole message"


def test_a_failing_test(run_flow: RunFlow) -> None:
    """A failing test fails the task, under the model that it tests."""
    result = run_flow(flows.build(), project="broken/failing_test")
    assert result.state == "FAILED"
    assert "nodes failed: test not_null." in error(result)
    where = "compiled/failing_test/models/models.yml/not_null_people_name.sql"
    assert f"; its rows: {where} in target.zip" in error(result)
    assert {row["query"] for row in rows(result) if row["query"]} == {where}
    test = next(run for run in node_runs(result).values() if run["taskId"] == "not_null.name")
    assert f"Its rows: {where} in target.zip" in logs_of(result, test["id"])
    assert_node_runs_are_true(result)


@pytest.mark.by_turns
def test_a_warning_test(run_flow: RunFlow) -> None:
    """A test that warns makes the task and the execution a warning, with the reason."""
    result = run_flow(flows.build("onEmpty: FAIL"), project="broken/warning")
    assert result.state == "WARNING"
    assert "1 of 3 nodes ended with a warning: test " in result.log_text


@pytest.mark.by_turns
def test_nothing_selected(run_flow: RunFlow) -> None:
    """A selection that matches nothing is said, not green."""
    result = run_flow(flows.build("select: ['tag:nobody']"), project="broken/warning")
    assert result.state == "WARNING"
    assert "`dbt build` executed nothing: `--select tag:nobody` selects nothing." in result.log_text


@pytest.mark.by_turns
@pytest.mark.parametrize(
    ("project", "properties", "profiles", "words"),
    [
        ("broken/broken_sql", "", flows.PROFILES, ["The project does not compile", "models/lost.sql"]),
        ("broken/broken_yaml", "", flows.PROFILES, ["The project does not parse", "models.yml", "line 4"]),
        ("broken/warning", "projectDir: shpo", flows.PROFILES, ["`shpo` does not exist", "`projectDir`"]),
        ("broken/warning", "", flows.PROFILES.replace("shop:", "other:"), ["profile", "shop"]),
        ("broken/warning", "", flows.PROFILES.replace("duckdb", "oracle"), ["add `dbt-oracle` to `dependencies`"]),
        ("broken/warning", "target: nowhere", flows.PROFILES, ["nowhere"]),
        (
            "broken/warning",
            "dependencies: [kestra-dbt-nonsense==99]",
            flows.PROFILES,
            ["could not be installed", "nonsense"],
        ),
        ("broken/warning", "threads: many", flows.PROFILES, ["threads", "many"]),
        ("broken/warning", "indirectSelection: eagre", flows.PROFILES, ["indirectSelection", "eagre"]),
        ("broken/warning", "pythonPath: /no/python", flows.PROFILES, ["/no/python", "pythonPath"]),
        ("broken/warning", "args: [--nope]", flows.PROFILES, ["--nope"]),
        ("broken/warning", "state: kv://NOPE", flows.PROFILES, ["KV store has no entry NOPE", "manifest.json"]),
        (
            "broken/warning",
            "state: kestra:///no/manifest.json",
            flows.PROFILES,
            ["`state` is kestra:///no/manifest.json"],
        ),
        (
            "broken/warning",
            "select: ['tag:nobody']\nonEmpty: fail",
            flows.PROFILES,
            ["executed nothing: `--select tag:nobody` selects nothing", "`onEmpty`"],
        ),
        ("broken/warning", "warnings: some", flows.PROFILES, ["warnings", "some"]),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) and "\n" not in value else "",
)
def test_one_clear_sentence(run_flow: RunFlow, project: str, properties: str, profiles: str, words: list[str]) -> None:
    """What is wrong is named in the first line of the task's error."""
    try:
        result = run_flow(flows.build(properties, profiles), project=project)
    except FlowRefused as refused:  # an engine may see it before the task does
        sentence = str(refused)
    else:
        assert result.state == "FAILED"
        sentence = error(result).splitlines()[0]
    for word in words:
        assert word in sentence, sentence


@pytest.mark.by_turns
def test_dbt_is_not_installed(run_flow: RunFlow, tmp_path: Path) -> None:
    """An interpreter without dbt is named, with the ways out."""
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    before = "beforeCommands: ['export PATH=/usr/bin:/bin']"
    result = run_flow(flows.build(f"pythonPath: {python}\n{before}"), project="broken/warning")
    assert result.state == "FAILED"
    sentence = error(result).splitlines()[0]
    assert sentence.startswith("dbt is not installed for the interpreter")
    assert "`dependencies`" in sentence


def test_an_unknown_property_is_refused(run_flow: RunFlow) -> None:
    """Kestra itself refuses a property that the task does not have."""
    with pytest.raises(FlowRefused, match="colour"):
        run_flow(flows.build("colour: red"), project="broken/warning")


@pytest.mark.by_turns
def test_noise(run_flow: RunFlow) -> None:
    """A line of 1 MB, odd names and odd characters do no harm, and what macros print stays plain log."""
    result = run_flow(flows.build(), project="broken/noisy")
    assert result.state == "SUCCESS", result.log_text[-3000:]
    assert "a plain line" in [log["message"] for log in result.logs]
    assert result.outputs("build")["vars"] == {"answer": 42}  # Kestra's own protocol for outputs works from within dbt
    assert_node_runs_are_true(result)
    assert all(len(run["taskId"]) <= 120 for run in result.task_runs)
    assert "x" * 1_000_000 in result.files["build/dbt.log"].read_text()


@pytest.mark.by_turns
def test_output_that_is_not_utf_8(run_flow: RunFlow) -> None:
    """Bytes that are no text are marked; what follows is read as ever."""
    commands = r"""
        - printf 'caf\351 \377\n'
        - printf 'no end'
        - dbt parse
    """
    result = run_flow(flows.cli(commands), project="broken/warning")
    assert result.state == "SUCCESS", result.log_text
    assert "caf\ufffd \ufffd" in result.log_text
    assert "cli/manifest.json" in result.files


def descendants(pid: int) -> list[int]:
    """Return the processes below ``pid``, parents first."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, read(children).split()):
            found += [child, *descendants(child)]
    return found


def read(file: Path) -> bytes:
    """Return what the system says about a process, nothing if it has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def runner_processes(engine: Engine) -> list[int]:
    """Return the processes that carry out requests for dbt: the supervisor, then the one with dbt.

    They are below the engine, or forks of a warm process. What is to outlast tasks is not counted: the one in which
    tasks of the dbt platform wait together, and warm processes.
    """
    below = [pid for pid in descendants(engine.pid) if b"runner.pyz" in read(Path(f"/proc/{pid}/cmdline"))]
    plain = [pid for pid in below if b"KESTRA_DBT_SHARED=" not in read(Path(f"/proc/{pid}/environ"))]
    warm = warm_processes(engine.pid, os.getpid())
    return plain + [pid for pid in warm if read(Path(f"/proc/{pid}/comm")) == b"kestra-dbt run\n"]


def warm_processes(*workers: int) -> list[int]:
    """Return the warm processes that end with one of ``workers``, and their forks, as they began."""
    named = {str(pid).encode() for pid in workers}
    commands = {int(file.parent.name): read(file) for file in Path("/proc").glob("[0-9]*/cmdline")}
    warm = {pid: line.split(b"\0") for pid, line in commands.items() if b"kestra_dbt.warm.server" in line}
    return sorted(pid for pid, words in warm.items() if named & set(words))


@pytest.mark.by_turns
@pytest.mark.parametrize("victim", ["dbt", "runner"])
def test_killed_in_the_middle(run_flow: RunFlow, engine: Engine, victim: str) -> None:
    """When dbt's process, or the whole runner, is killed, what had finished is in the Gantt and the outputs."""
    killed = threading.Event()

    def kill_at_a_second_node(entry: dict[str, object]) -> None:
        second = entry.get("progress") == "node.started" and "_2" in str(entry["message"])
        if second and not killed.is_set():
            killed.set()
            supervisor, dbt = runner_processes(engine)[-2:]
            os.kill(dbt, signal.SIGKILL)
            if victim == "runner":
                os.kill(supervisor, signal.SIGKILL)

    began = time.monotonic()
    flow = flows.build("vars: {rows: 4000000000, first_rows: 1000000}")  # the second of each chain takes a minute
    result = run_flow(flow, project="broken/slow", on_log=kill_at_a_second_node)
    assert killed.is_set()
    assert time.monotonic() - began < 90
    assert result.state == "FAILED"
    sentence = error(result).splitlines()[0]
    assert "killed, often for " in sentence
    states = {run["state"]["current"] for run in node_runs(result).values()}
    assert "SUCCESS" in states
    if victim == "dbt":
        assert "in the middle, while model " in sentence
        assert {"build/manifest.json", "build/dbt.log", "build/summary.md"} <= set(result.files)
        assert rows(result)


def test_secrets_appear_nowhere(run_flow: RunFlow) -> None:
    """A password in the profile is in no log, output or file of the execution."""
    profiles = flows.PROFILES + (
        "planted:\n  target: x\n  outputs:\n    x: {type: postgres, password: \"{{ secret('WAREHOUSE_PASSWORD') }}\"}\n"
    )
    commands = """
        - dbt parse
        - env | sort
        - ps -ef || true
    """
    result = run_flow(flows.cli(commands, "outputFiles: ['**']", profiles), project="broken/warning")
    assert result.state == "SUCCESS", result.log_text
    password = b"hunter2-planted"
    kept = [path for path in result.out.rglob("*") if path.is_file() and password in path.read_bytes()]
    assert not kept
    assert "KESTRA_DBT_SECRETS" not in result.log_text
    assert not [name for name in result.files if "profiles.yml" in name]
