"""Stopping: dbt is interrupted and cancels its queries, what does not end is killed, and what was done is told."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Run, Runner, duckdb_profile
from waiting import wait_until

from kestra_dbt.core.judgement import judge
from kestra_dbt.core.stop import StopReport
from kestra_dbt.protocol import DbtCommand, FailureCode, InvocationStarted, NodeStarted, Outcome, Secrets, ShellScript
from kestra_dbt.report.results import Results

Process = subprocess.Popen[bytes]
Project = Callable[[str], Path]

PROFILES = duckdb_profile()
SLOW = ["--vars", "{rows: 4000000000}"]
"""Models of a minute."""

SECONDS = 200_000 + os.getpid()
"""By which this test knows its own processes again."""


def script(text: str) -> Secrets:
    """Return the secrets of a script."""
    return Secrets(profiles=PROFILES, script=text)


def read(file: Path) -> bytes:
    """Return what the system says about a process, nothing if it has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def running(words: bytes) -> list[int]:
    """Return the processes whose command line has these words."""
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/cmdline") if words in read(file)]


def sleeping() -> list[int]:
    """Return the processes of this test that sleep."""
    return running(b"sleep\0%d" % SECONDS)


def of_run(process: Process) -> list[int]:
    """Return the processes of a run that still live: they have the environment of the first one."""
    request = f"REQUEST_OF_TEST={process.args[-3]}".encode()  # type: ignore[index]
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/environ") if request in read(file)]


def busy(folder: Path) -> bool:
    """Tell whether dbt is at the first model of both chains."""
    return any(read(log).count(b"[RUN]") == 2 for log in folder.glob("*/dbt.log"))


def ask_to_stop(process: Process, grace_s: float = 10) -> None:
    """Ask in the way a task does, and wait until it has been seen."""
    file = Path(str(process.args[-3])).with_suffix(".stop")  # type: ignore[index]
    whole = file.with_suffix(".new")
    whole.write_text(str(grace_s))
    whole.rename(file)
    wait_until(lambda: not file.exists(), 30)


def stop_when(condition: Callable[[], object], grace_s: float = 10) -> Callable[[Process], None]:
    """Return a step that asks for a stop once something is so."""

    def act(process: Process) -> None:
        wait_until(condition)
        ask_to_stop(process, grace_s)

    return act


def assert_stopped(run: Run) -> None:
    """Assert that the run says that it was stopped."""
    assert (run.ended.outcome, run.failure.code) == (Outcome.FAILED, FailureCode.KILLED)
    assert run.failure.sentence.startswith("The run was stopped after ")
    assert run.artifact("summary.md").read_text().startswith("# dbt: stopped")


def test_dbt_is_interrupted(carry_out: Runner, project: Project) -> None:
    """dbt cancels its queries and ends by itself; nodes that ran are named, not counted as failed."""
    folder = project("broken/slow")
    request = DbtCommand(command=["build"], args=SLOW)
    began = time.monotonic()
    run = carry_out(request, Secrets(profiles=PROFILES), folder=folder, during=stop_when(lambda: busy(folder)))
    assert_stopped(run)
    assert time.monotonic() - began < 40
    assert re.search("while model (left|right)_1, model (left|right)_1 ran.$", run.failure.sentence)
    assert "killed" not in run.failure.sentence
    assert {"manifest.json", "dbt.log", "run_results.json", "nodes.ion", "summary.md", "report.html"} <= run.artifacts
    assert {node.unique_id for node in run.of(NodeStarted)} == {"model.slow.left_1", "model.slow.right_1"}
    assert not [node for node in run.nodes.values() if node.outcome is not Outcome.SKIPPED]


def test_nothing_of_a_script_outlives_the_grace(carry_out: Runner, project: Project) -> None:
    """Neither a trap, nor the background, nor a session of its own keeps a process alive, and no dbt is begun."""
    folder = project("broken/slow")
    text = f"""
        trap 'echo caught' INT TERM
        nohup sleep {SECONDS} > /dev/null 2>&1 &
        (setsid sh -c "trap '' INT TERM; sleep {SECONDS}; sleep {SECONDS}" &)
        dbt build --vars '{{rows: 4000000000}}' &
        wait
        dbt parse || echo "refused $?"
        while true; do sleep {SECONDS}; done
    """
    run = carry_out(ShellScript(), script(text), folder=folder, during=stop_when(lambda: busy(folder), 4))
    assert_stopped(run)
    assert not sleeping()
    assert "caught" in run.plain
    assert any(line.startswith("refused ") for line in run.plain)
    assert len(run.of(InvocationStarted)) == 1


def test_what_ignores_the_stop_is_killed_and_told(carry_out: Runner, project: Project) -> None:
    """A dbt that does not end within the grace may leave queries in the warehouse: that is said."""
    folder = project("broken/slow")

    def freeze_and_stop(process: Process) -> None:
        wait_until(lambda: busy(folder))
        (dbt,) = running_children(process.pid)
        os.kill(dbt, signal.SIGSTOP)
        ask_to_stop(process, 1)

    run = carry_out(
        DbtCommand(command=["build"], args=SLOW), Secrets(profiles=PROFILES), folder=folder, during=freeze_and_stop
    )
    assert_stopped(run)
    assert (
        "dbt did not end within 1 s and was killed: it may have left queries in the warehouse." in run.failure.sentence
    )
    assert {"manifest.json", "dbt.log", "nodes.ion", "summary.md", "report.html"} <= run.artifacts


def running_children(pid: int) -> list[int]:
    """Return the processes that ``pid`` started."""
    return [int(child) for child in read(Path(f"/proc/{pid}/task/{pid}/children")).split()]


def test_a_process_that_can_not_be_killed_is_named(tmp_path: Path) -> None:
    """As one of another user is."""
    stopped = StopReport(grace_s=10, forced=False, survivors=("passwd (4711)",))
    results = Results(tmp_path / "nodes")
    end = judge(ShellScript(), 130, results, {}, stopped=stopped)
    results.close()
    assert end.failure
    assert end.failure.sentence == (
        "The run was stopped after 0 nodes. These processes could not be killed: passwd (4711)."
    )


def started(request: Path, secrets: Secrets, folder: Path) -> Process:
    """Start a run whose processes `of_run` knows again."""
    return subprocess.Popen(
        [sys.executable, "-m", "kestra_dbt", "run", str(request), "--output", str(request.parent / "output")],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "python-runner" / "src"),
            "KESTRA_DBT_SECRETS": secrets.to_environment(),
            "REQUEST_OF_TEST": str(request),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(("loss", "kind"), [("supervisor", "command"), ("supervisor", "script"), ("reader", "command")])
def test_dbt_does_not_go_on_alone(project: Project, tmp_path: Path, kind: str, loss: str) -> None:
    """When the supervisor is killed hard, or whoever reads its output is gone, dbt and the script end."""
    folder = project("broken/slow")
    request = tmp_path / "request.json"
    request.write_text(
        '{"kind": "dbt_command", "command": ["build"], "args": ["--vars", "{rows: 4000000000}"]}'
        if kind == "command"
        else '{"kind": "shell_script"}'
    )
    text = f"trap '' INT TERM\ndbt build --vars '{{rows: 4000000000}}'\nsleep {SECONDS}\n"
    secrets = Secrets(profiles=PROFILES, script=text if kind == "script" else None)
    process = started(request, secrets, folder)
    assert process.stdout
    wait_until(lambda: busy(folder))
    assert len(of_run(process)) >= 2
    if loss == "supervisor":
        process.kill()
    process.stdout.close()
    process.wait(15)
    wait_until(lambda: not of_run(process), 15)


def test_dbt_does_not_wait_for_a_supervisor_that_never_let_it_in(project: Project, tmp_path: Path) -> None:
    """A supervisor that is killed before it has taken dbt's connection leaves nothing behind either."""
    request = tmp_path / "request.json"
    request.write_text('{"kind": "dbt_command", "command": ["build"]}')
    process = started(request, Secrets(profiles=PROFILES), project("broken/slow"))
    wait_until(lambda: running_children(process.pid))
    os.kill(process.pid, signal.SIGSTOP)
    (dbt,) = running_children(process.pid)
    wait_until(lambda: b"unix_stream" in read(Path(f"/proc/{dbt}/wchan")))  # it has connected, and waits
    process.kill()
    process.communicate()
    wait_until(lambda: not of_run(process), 15)


def test_a_stop_before_dbt(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """A run that is to stop before it has begun starts no dbt."""
    (tmp_path / "request.stop").write_text("10")
    run = carry_out(DbtCommand(command=["build"]), Secrets(profiles=PROFILES), folder=project("broken/slow"))
    assert (run.code, run.failure.code) == (130, FailureCode.KILLED)
    assert run.failure.sentence == "The run was stopped before dbt started."
    assert not run.of(InvocationStarted)


@pytest.mark.parametrize("by_signal", [False, True])
def test_a_stop_while_dependencies_are_installed(
    carry_out: Runner, project: Project, tmp_path: Path, *, by_signal: bool
) -> None:
    """The installer ends, and it is said that dbt had not started."""
    with socket.create_server(("127.0.0.1", 0)) as index:  # never answers
        url = f"http://127.0.0.1:{index.getsockname()[1]}/"
        request = DbtCommand(command=["build"], dependencies=[f"--index-url {url}", "dbt-nothing"])

        def stop(process: Process) -> None:
            with index.accept()[0]:
                process.send_signal(signal.SIGTERM) if by_signal else ask_to_stop(process)

        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # has uv
        env = {"KESTRA_DBT_CACHE": str(tmp_path / "cache"), "PATH": path}
        run = carry_out(request, Secrets(profiles=PROFILES), folder=project("broken/slow"), env=env, during=stop)
    assert run.failure.code is FailureCode.KILLED
    assert "while `dependencies` were being installed" in run.failure.sentence
    assert not list((tmp_path / "cache" / "environments").glob("*/bin"))
