"""A warm process that has practised takes the place of the first one, which is not missed; nor is one that does not."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from conftest import ROOT, Runner, duckdb_profile
from waiting import wait_until
from warm_worker import named, processes, settled

from kestra_dbt.protocol import DbtCommand, Outcome, Secrets
from kestra_dbt.warm import imports, practice, succession

Project = Callable[[str], Path]
Request = Callable[..., list[str]]


@pytest.fixture
def request_one(carry_out: Runner, project: Project, worker: dict[str, str]) -> Request:
    """Return a function that has a request carried out and returns the lines of its log."""
    folder = project("shop")

    def carry_one_out(during: Callable[[object], None] | None = None) -> list[str]:
        secrets = Secrets(profiles=duckdb_profile())
        run = carry_out(DbtCommand(command=["seed"]), secrets, folder=folder, env=worker, during=during)
        assert run.ended.outcome is Outcome.SUCCESS, run
        assert not any("a plain one goes on" in line for line in run.plain), run.plain
        return run.plain

    return carry_one_out


@pytest.fixture
def ended(worker: dict[str, str]) -> None:
    """End the warm processes of another test."""
    for pid in processes(worker["KESTRA_DBT_CACHE"]):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes(worker["KESTRA_DBT_CACHE"]))


@pytest.fixture
def first_one(request_one: Request, worker: dict[str, str]) -> Callable[..., int]:
    """Return a function that has the first request carried out, and returns who gets ready to follow meanwhile."""

    def begin(to_follower: signal.Signals | None = None) -> int:
        followers: list[int] = []

        def look(_: object) -> None:
            wait_until(lambda: named("next", worker["KESTRA_DBT_CACHE"]))
            followers.extend(named("next", worker["KESTRA_DBT_CACHE"]))
            if to_follower:
                os.kill(followers[0], to_follower)

        assert started(request_one(look))
        (follower,) = followers
        return follower

    return begin


def started(lines: list[str]) -> bool:
    """Tell whether a request has started a warm process."""
    return any("A warm process was started" in line for line in lines)


@pytest.mark.usefixtures("ended")
def test_the_second_request_finds_who_has_practised(
    first_one: Callable[..., int], request_one: Request, worker: dict[str, str]
) -> None:
    """It is at the place of the first one, which is gone, and it stays; nothing went wrong on the way."""
    follower = first_one()
    wait_until(lambda: settled(worker["KESTRA_DBT_CACHE"]) == [follower])
    assert not started(request_one())
    assert settled(worker["KESTRA_DBT_CACHE"]) == [follower]
    (log,) = Path(worker["KESTRA_DBT_CACHE"]).glob("warm/*/log")
    assert log.read_text() == ""


@pytest.mark.usefixtures("ended")
def test_one_that_dies_while_it_practises_is_not_missed(
    first_one: Callable[..., int], request_one: Request, worker: dict[str, str]
) -> None:
    """Nor one that hangs: requests go on to the first one."""
    follower = first_one(signal.SIGSTOP)
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


def test_adapter_that_is_broken_costs_no_other_one_anything(
    carry_out: Runner, project: Project, worker: dict[str, str], tmp_path: Path
) -> None:
    """It is named in the log; requests that do not want it have their warm process, and its successor."""
    for package, content in {"adapters": "raise RuntimeError('made for another dbt')", "include": ""}.items():
        (tmp_path / "dbt" / package / "broken").mkdir(parents=True)
        (tmp_path / "dbt" / package / "broken" / "__init__.py").write_text(content)
    env = {**worker, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'python-runner' / 'src'}"}
    secrets, folder = Secrets(profiles=duckdb_profile()), project("shop")
    run = carry_out(DbtCommand(command=["seed"]), secrets, folder=folder, env=env)
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert started(run.plain)
    log = max(Path(worker["KESTRA_DBT_CACHE"]).glob("warm/*/log"), key=lambda file: file.stat().st_mtime)
    wait_until(lambda: "dbt can't be practised with broken: " in log.read_text())
    wait_until(lambda: not named("next", worker["KESTRA_DBT_CACHE"]))
    assert settled(worker["KESTRA_DBT_CACHE"])


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
