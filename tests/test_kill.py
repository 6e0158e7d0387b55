"""A kill, or a task's timeout: dbt stops, its queries too, and what was done until then is there."""

import itertools
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import flows
import pytest
from client import Engine, LogEntry, Result
from conftest import PROJECTS, Kestra
from postgres import Postgres
from test_bad_input import read, runner_processes
from test_core_build import node_runs, rows
from waiting import wait_until

SLOW = "slow"
SLEEPING = "sleeping"

SECONDS = 100_000 + os.getpid()
"""By which this test knows its own processes again."""


PASSWORD = "hunter2-planted"


def postgres_profile(postgres: Postgres) -> str:
    """Return a profile for the test's server."""
    return (
        "shop:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: 127.0.0.1, user: dbt, "
        f"password: {PASSWORD}, "
        f"port: {postgres.port}, dbname: postgres, schema: tests, threads: 4}}\n"
    )


def killed(engine: Engine, flow: str, project: str, out: Path, when: Callable[[], object]) -> Result:
    """Run a flow and kill it as soon as something is so; return what is left once it has stopped."""
    execution_id = engine.submit(flow, files=PROJECTS / "broken" / project)
    try:
        wait_until(when)
        assert not [file for file in Path("/proc").glob("[0-9]*/cmdline") if PASSWORD.encode() in read(file)]
    finally:
        engine.kill(execution_id)
    began = time.monotonic()
    result = engine.wait(execution_id, out, timeout=60)
    assert time.monotonic() - began < 30
    assert result.state == "KILLED", result.log_text[-3000:]
    wait_until(lambda: not runner_processes(engine), 5)
    assert "Stream closed" not in result.log_text
    return result


def states_of_nodes(result: Result, task_id: str = "build") -> dict[str, str]:
    """Return the states in the Gantt, by label."""
    return {run["taskId"]: run["state"]["current"] for run in node_runs(result, task_id).values()}


def assert_kept(result: Result, finished: set[str], killed: set[str], task_id: str = "build") -> None:
    """Assert what is in the Gantt, the outputs and the log of a task that was stopped."""
    states = states_of_nodes(result, task_id)
    assert {label for label, state in states.items() if state == "SUCCESS"} == finished
    assert {label for label, state in states.items() if state == "KILLED"} == killed
    assert {row["label"] for row in rows(result, task_id)} >= finished
    kept = {name.partition("/")[2] for name in result.files}
    assert {"manifest.json", "dbt.log", "nodes.ion", "summary.md", "report.html", "run_results.json"} <= kept
    assert (result.files[f"{task_id}/summary.md"]).read_text().startswith("# dbt: stopped")
    sentence = f"The run was stopped after {len(finished)} node"
    assert sentence in result.log_text
    for label in killed:
        log = [str(entry["message"]) for entry in result.logs if entry.get("taskId") == label]
        assert "The run was killed while this node ran." in log


def test_a_kill_cancels_the_queries(engine: Engine, postgres: Postgres, tmp_path: Path) -> None:
    """No query of ours is left in PostgreSQL; finished nodes keep their state, running ones are killed."""
    flow = flows.build(profiles=postgres_profile(postgres))
    result = killed(engine, flow, SLEEPING, tmp_path, lambda: sleepers(postgres) == 2)
    wait_until(lambda: not postgres.queries_of_dbt(), 3)
    assert result.task_run("build")["state"]["current"] == "KILLED"
    assert_kept(result, finished={"quick"}, killed={"sleeper_1", "sleeper_2"})
    assert "while model sleeper_" in result.log_text


def sleepers(postgres: Postgres) -> int:
    """Return how many models sleep in the database."""
    return sum("pg_sleep" in query for query in postgres.queries_of_dbt())


def test_a_kill_of_commands(engine: Engine, postgres: Postgres, tmp_path: Path) -> None:
    """Every dbt of a script is stopped, also one in the background, and the script does not go on."""
    commands = f"""
        - trap 'echo caught' INT TERM
        - dbt run --select sleeper_1 &
        - (setsid sleep {SECONDS} &)
        - dbt run --select sleeper_2 --target-path other --log-path other
        - dbt run --select never
    """
    flow = flows.cli(commands, "killGrace: PT6S", postgres_profile(postgres))
    result = killed(engine, flow, SLEEPING, tmp_path, lambda: sleepers(postgres) == 2)
    wait_until(lambda: not postgres.queries_of_dbt(), 3)
    assert states_of_nodes(result, "cli") == {"sleeper_1": "KILLED", "sleeper_2": "KILLED"}
    kept = {f"{number}-run/{name}" for number in (1, 2) for name in ("manifest.json", "run_results.json", "dbt.log")}
    assert kept <= set(result.outputs("cli")["artifacts"])
    assert "did not end within" not in result.log_text
    assert not sleeping(SECONDS)


def sleeping(seconds: int) -> list[Path]:
    """Return the processes that sleep for as long."""
    return [file for file in Path("/proc").glob("[0-9]*/cmdline") if read(file) == b"sleep\0%d\0" % seconds]


@pytest.mark.container
def test_a_kill_with_duckdb(engine: Kestra, tmp_path: Path) -> None:
    """The same with a database inside dbt's process, as soon as the log tells that two further models run."""
    execution_id = engine.submit(
        flows.build("vars: {rows: 4000000000, first_rows: 1000000}"), files=PROJECTS / "broken" / SLOW
    )
    started = itertools.count(1)

    def kill_at_the_fourth(entry: LogEntry) -> None:
        if str(entry["message"]).startswith("START ") and next(started) == 4:
            engine.kill(execution_id)

    result = engine.wait(execution_id, tmp_path, timeout=120, on_log=kill_at_the_fourth)
    assert result.state == "KILLED", result.log_text[-3000:]
    assert_kept(result, finished={"left_1", "right_1"}, killed={"left_2", "right_2"})


@pytest.mark.container
def test_a_restart(engine: Kestra, tmp_path: Path) -> None:
    """A failed execution goes on from the task that failed, which then fails once more: a second attempt.

    Of a task whose nodes failed Kestra makes no restart: see docs/how-it-works.md.
    """
    failed = engine.run(flows.build(), tmp_path / "failed", files=PROJECTS / "broken" / "broken_sql", timeout=120)
    again = engine.wait(engine.restart(failed.execution_id), tmp_path / "again", timeout=120)
    assert (failed.state, again.state) == ("FAILED", "FAILED")
    assert [step["state"] for step in again.execution["state"]["histories"]].count("RESTARTED") == 1
    assert len(again.task_run("build")["attempts"]) == 2
    assert {log["attemptNumber"] for log in again.logs if "does not compile" in log["message"]} == {0, 1}
    assert "build/dbt.log" in again.files


def connected(server: socket.socket) -> bool:
    """Wait for a connection, and hang up."""
    with server.accept()[0]:
        return True


@pytest.mark.by_turns
def test_a_kill_while_dependencies_are_installed(engine: Engine, tmp_path: Path) -> None:
    """The installer is stopped, and it is said that dbt had not started."""
    with socket.create_server(("127.0.0.1", 0)) as index:  # never answers
        port = index.getsockname()[1]
        flow = flows.build(f"dependencies: ['--index-url http://127.0.0.1:{port}/', 'dbt-nothing']")
        result = killed(engine, flow, SLOW, tmp_path, lambda: connected(index))
    assert "stopped while `dependencies` were being installed" in result.log_text
    assert states_of_nodes(result) == {}


def test_a_kill_before_dbt(engine: Engine, tmp_path: Path) -> None:
    """Commands that come before dbt are killed, too."""
    flow = flows.build(f"beforeCommands: [sleep {SECONDS}]")
    result = killed(engine, flow, SLOW, tmp_path, lambda: sleeping(SECONDS))
    wait_until(lambda: not sleeping(SECONDS), 3)
    assert result.task_run("build")["state"]["current"] == "KILLED"


def test_a_timeout(engine: Engine, postgres: Postgres, tmp_path: Path) -> None:
    """A task's timeout stops dbt in the same way; the task fails as Kestra says, and keeps its outputs."""
    flow = flows.build("timeout: PT15S", postgres_profile(postgres))
    result = engine.run(flow, tmp_path, files=PROJECTS / "broken" / SLEEPING, timeout=60)
    wait_until(lambda: not postgres.queries_of_dbt(), 3)
    assert result.state == "FAILED"
    assert result.task_run("build")["state"]["current"] == "FAILED"
    assert "Timeout after" in result.log_text
    assert not runner_processes(engine)
    # How far it is after a fixed time depends on the machine.
    states = {label: state for label, state in states_of_nodes(result).items() if state != "SKIPPED"}
    assert states.items() <= {"quick": "SUCCESS", "sleeper_1": "KILLED", "sleeper_2": "KILLED"}.items()
    finished = {row["label"] for row in rows(result) if row["outcome"] == "success"}
    assert finished == {label for label, state in states.items() if state == "SUCCESS"}
    assert result.files["build/summary.md"].read_text().startswith("# dbt: stopped")
