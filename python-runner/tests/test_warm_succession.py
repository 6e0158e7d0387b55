"""A warm process that has practised takes the place of the first one, which is not missed; nor is one that does not."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from conftest import Runner, duckdb_profile
from waiting import wait_until
from warm_worker import named, servers, settled

from kestra_dbt.protocol import DbtCommand, Outcome, Secrets
from kestra_dbt.warm import imports, practice, succession

Project = Callable[[str], Path]
Request = Callable[[], list[str]]


@pytest.fixture
def request_one(carry_out: Runner, project: Project, worker: dict[str, str]) -> Request:
    """Return a function that has a request carried out and returns the lines of its log."""
    folder = project("shop")

    def carry_one_out() -> list[str]:
        run = carry_out(DbtCommand(command=["seed"]), Secrets(profiles=duckdb_profile()), folder=folder, env=worker)
        assert run.ended.outcome is Outcome.SUCCESS, run
        assert not any("a plain one goes on" in line for line in run.plain), run.plain
        return run.plain

    return carry_one_out


@pytest.fixture
def ended(worker: dict[str, str]) -> None:
    """End the warm processes of another test."""
    for pid in servers(worker["KESTRA_DBT_CACHE"]):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not servers(worker["KESTRA_DBT_CACHE"]))


def next_one(worker: dict[str, str]) -> int:
    """Return the process that gets ready to follow."""
    wait_until(lambda: named("next", worker["KESTRA_DBT_CACHE"]))
    return named("next", worker["KESTRA_DBT_CACHE"])[0]


def started(lines: list[str]) -> bool:
    """Tell whether a request has started a warm process."""
    return any("A warm process was started" in line for line in lines)


@pytest.mark.usefixtures("ended")
def test_the_second_request_finds_who_has_practised(request_one: Request, worker: dict[str, str]) -> None:
    """It is at the place of the first one, which is gone, and it stays; nothing went wrong on the way."""
    assert started(request_one())
    follower = next_one(worker)
    wait_until(lambda: settled(worker["KESTRA_DBT_CACHE"]) == [follower])
    assert not started(request_one())
    assert settled(worker["KESTRA_DBT_CACHE"]) == [follower]
    (log,) = Path(worker["KESTRA_DBT_CACHE"]).glob("warm/*/log")
    assert log.read_text() == ""


@pytest.mark.usefixtures("ended")
def test_one_that_dies_while_it_practises_is_not_missed(request_one: Request, worker: dict[str, str]) -> None:
    """Nor one that hangs: requests go on to the first one."""
    assert started(request_one())
    follower = next_one(worker)
    os.kill(follower, signal.SIGSTOP)
    assert not started(request_one())
    os.kill(follower, signal.SIGKILL)
    assert not started(request_one())
    (still,) = settled(worker["KESTRA_DBT_CACHE"])
    assert still != follower


@pytest.mark.parametrize("adapter", imports.adapters())
def test_practice_is_a_project_that_dbt_has_nothing_to_say_about(
    adapter: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A warning would be one that no request gets again, and what dbt does not take would be no practice."""
    monkeypatch.setattr(practice, "_OPTIONS", ("--warn-error", *practice._OPTIONS))
    manifest = practice._parsed(adapter)
    assert manifest, capfd.readouterr()
    kinds = {unique_id.partition(".")[0] for unique_id in (*manifest.nodes, *manifest.sources, *manifest.exposures)}
    assert kinds == {"model", "seed", "snapshot", "test", "source", "exposure"}
    assert len(manifest.unit_tests) == 1


def test_who_has_got_threads_follows_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fork would not have them, and wait for them in vain: an adapter may leave some behind."""
    served = tmp_path / "served"
    monkeypatch.setattr(practice, "practise", lambda: Thread(target=time.sleep, args=(60,), daemon=True).start())
    one = succession.Succession(lambda _: served.touch())
    one.begin()
    (there,) = one.sockets()
    there.settimeout(60)
    assert there.recv(1) == b"", "it has ended"
    one.look([there])
    assert not one.sockets()
    assert not served.exists()
