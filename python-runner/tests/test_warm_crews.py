"""The processes of a request stay for the next one for the same project: as new ones, and none in the way of others."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Run
from packed_shop import Node, read_anew, table
from waiting import wait_until
from warm_worker import named, processes

from kestra_dbt.protocol import FailureCode, Outcome

Idle = Callable[..., list[int]]

CREW = 2
"""Processes that are called idle: the runner's and dbt's. A third one watches."""


@pytest.fixture
def idle(node: Node, worker: dict[str, str]) -> Iterator[Idle]:
    """Yield a function that returns the processes that wait for a request, once there are as many as are expected."""
    assert read_anew(node("model.shop.raw"))

    def processes(count: int = CREW) -> list[int]:
        wait_until(lambda: len(named("idle", worker["KESTRA_DBT_CACHE"])) == count)
        return named("idle", worker["KESTRA_DBT_CACHE"])

    yield processes
    end_all(worker)
    processes(0)


def end_all(worker: dict[str, str]) -> None:
    """End the warm processes."""
    for name in ("next", "warm", "pack"):
        for pid in named(name, worker["KESTRA_DBT_CACHE"]):
            os.kill(pid, signal.SIGKILL)


def succeeded(run: Run) -> bool:
    """Tell whether a run did well, over a warm process."""
    assert run.ended.outcome is Outcome.SUCCESS, run
    return not read_anew(run)


def test_next_request_finds_the_processes_of_the_one_before(node: Node, idle: Idle, tmp_path: Path) -> None:
    """It has its own results and its own folder; between the two the warehouse is free for others."""
    crew = idle()
    assert table(tmp_path, "select count(*) from raw") == [(1,)], "DuckDB's file is not locked"
    top = node("model.shop.top")
    assert succeeded(top)
    assert set(top.nodes) == {"model.shop.top", "operation.shop.shop-on-run-end-0"}
    assert top.artifact("dbt.log").read_text().count("Running with dbt") == 1
    assert idle() == crew
    assert succeeded(node("model.shop.far"))
    assert idle() == crew


def test_request_that_fails_takes_its_processes_with_it(node: Node, idle: Idle) -> None:
    """What is left in their memory is nobody's any more."""
    crew = idle()
    wrong = node("model.shop.wrong")
    assert wrong.ended.outcome is Outcome.FAILED
    assert idle(0) == []
    assert succeeded(node("model.shop.raw"))
    assert not set(idle()) & set(crew)


def test_a_stop_ends_the_processes_of_that_request_alone(
    node: Node, idle: Idle, worker: dict[str, str], tmp_path: Path
) -> None:
    """Also where they had one before."""
    idle()

    def stop(process: subprocess.Popen[bytes]) -> None:
        wait_until(lambda: any(b"[RUN]" in log.read_bytes() for log in tmp_path.glob("work/**/dbt.log")))
        process.terminate()

    stopped = node("model.shop.slow", during=stop)
    assert stopped.failure.code is FailureCode.KILLED
    wait_until(lambda: not any(named(name, worker["KESTRA_DBT_CACHE"]) for name in ("wait", "run", "idle")))
    assert succeeded(node("model.shop.raw"))


@pytest.mark.parametrize("which", [0, 1], ids=["runner", "dbt"])
def test_processes_that_are_killed_while_idle_are_replaced(
    node: Node, idle: Idle, worker: dict[str, str], which: int
) -> None:
    """The next request does not notice."""
    crew = idle()
    os.kill(crew[which], signal.SIGKILL)
    if which == 0:
        wait_until(lambda: named("wait", worker["KESTRA_DBT_CACHE"]) == [])
    assert succeeded(node("model.shop.raw"))
    assert crew[which] not in idle()


def test_who_connects_and_vanishes_costs_one_crew_at_most(node: Node, idle: Idle, worker: dict[str, str]) -> None:
    """What has been connected to ends; the next request does well, in a warm process."""
    idle()
    path = max(Path(worker["KESTRA_DBT_CACHE"]).glob("warm/*/*.p"), key=lambda file: file.stat().st_mtime)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(path))
    assert idle(0) == []
    wait_until(lambda: named("wait", worker["KESTRA_DBT_CACHE"]) == [])
    assert succeeded(node("model.shop.raw"))


def test_they_end_with_the_warm_process(idle: Idle, worker: dict[str, str]) -> None:
    """Nothing waits for what can't come any more."""
    idle()
    end_all(worker)
    wait_until(lambda: processes(worker["KESTRA_DBT_CACHE"]) == [])
