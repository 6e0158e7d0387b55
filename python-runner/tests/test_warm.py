"""Requests in forks of a warm process: as in plain ones, and nothing lost or left running when something dies."""

import json
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Run, Runner, duckdb_profile, small_disk
from waiting import wait_until
from warm_worker import named, processes, servers, settled

from kestra_dbt.protocol import DbtCommand, DbtOptions, FailureCode, Outcome, Secrets
from kestra_dbt.warm.asking import connected

Project = Callable[[str], Path]
SECRETS = Secrets(profiles=duckdb_profile())
SEED = DbtCommand(command=["seed"])
SLOW = DbtCommand(command=["build"], args=["--vars", "{rows: 4000000000}"])
STARTED = "A warm process was started"


def limits(**given: float) -> dict[str, str]:
    """Return the variable with limits of warm processes."""
    return {"KESTRA_DBT_WARM_LIMITS": json.dumps(given)}


def busy(folder: Path) -> bool:
    """Tell whether dbt is at a model."""
    return any(b"[RUN]" in log.read_bytes() for log in folder.glob("*/dbt.log"))


def took_own_process(run: Run) -> bool:
    """Tell whether a run went on as a plain process."""
    return any("a plain one goes on" in line for line in run.plain)


def test_the_second_request_finds_what_the_first_has_started(
    carry_out: Runner, project: Project, worker: dict[str, str]
) -> None:
    """Both are as ever; the second one pays for no start; the environment of one is not that of the next."""
    gone = Path(worker["KESTRA_DBT_CACHE"]) / "warm" / "99999999-gone"
    gone.mkdir(parents=True)
    os.utime(gone, (0, 0))
    folder = project("shop")
    first = carry_out(SEED, SECRETS, folder=folder, env={**worker, "DBT_ENV_CUSTOM_ENV_ONE": "1"})
    assert first.ended.outcome is Outcome.SUCCESS, first
    assert any(STARTED in line for line in first.plain)
    assert not gone.exists(), "of a worker that is gone, long ago"
    assert '"ONE"' in first.artifact("run_results.json").read_text()
    second = carry_out(SEED, SECRETS, folder=folder, env=worker)
    assert second.ended.outcome is Outcome.SUCCESS, second
    assert not any(STARTED in line for line in second.plain)
    assert not took_own_process(second)
    assert second.artifacts == first.artifacts
    assert set(second.nodes) == set(first.nodes)
    assert '"ONE"' not in second.artifact("run_results.json").read_text()
    assert len(settled(worker["KESTRA_DBT_CACHE"])) == 1


def test_who_is_found_for_a_last_time_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm process at its limit lets go of its socket as soon as a request has come: that one is carried out."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        use = os.utime
        monkeypatch.setattr(os, "utime", lambda place: (path.unlink(), use(place)))
        connection = connected(str(path))
    assert connection
    connection.close()
    assert connected(str(path)) is None


def test_warm_process_killed_while_idle_is_made_anew(
    carry_out: Runner, project: Project, worker: dict[str, str]
) -> None:
    """Its socket is still there, and nobody answers at it."""
    folder = project("shop")
    carry_out(SEED, SECRETS, folder=folder, env=worker)
    for pid in processes(worker["KESTRA_DBT_CACHE"]):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes(worker["KESTRA_DBT_CACHE"]))
    assert list(Path(worker["KESTRA_DBT_CACHE"]).glob("warm/*/s")), "a stale socket"
    run = carry_out(SEED, SECRETS, folder=folder, env=worker)
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert any(STARTED in line for line in run.plain)


def test_warm_process_that_dies_when_it_is_asked_is_made_anew(
    carry_out: Runner, project: Project, worker: dict[str, str]
) -> None:
    """Whoever has connected has not been begun with, and tries once more."""
    folder, cache = project("shop"), Path(worker["KESTRA_DBT_CACHE"])
    carry_out(SEED, SECRETS, folder=folder, env=worker)
    for pid in settled(cache):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not servers(cache))
    (path,) = cache.glob("warm/*/s")
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dying, ThreadPoolExecutor() as pool:
        dying.bind(str(path))
        dying.listen()
        asked = pool.submit(carry_out, SEED, SECRETS, folder=folder, env=worker)
        dying.accept()[0].close()
        dying.close()
        run = asked.result()
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert any(STARTED in line for line in run.plain)
    assert not took_own_process(run)


def test_request_outlives_the_warm_process(carry_out: Runner, project: Project, worker: dict[str, str]) -> None:
    """Killed in the middle of a request, it is not missed: the request is stopped by a stop file, as ever."""
    folder = project("broken/slow")
    carry_out(DbtCommand(command=["parse"]), SECRETS, folder=folder, env=worker)
    (server,) = settled(worker["KESTRA_DBT_CACHE"])

    def kill_and_stop(process: subprocess.Popen[bytes]) -> None:
        wait_until(lambda: busy(folder))
        os.kill(server, signal.SIGKILL)
        Path(process.args[-3]).with_suffix(".stop").write_text("5")  # type: ignore[index]

    run = carry_out(SLOW, SECRETS, folder=folder, env=worker, during=kill_and_stop)
    assert run.failure.code is FailureCode.KILLED, run
    wait_until(lambda: not servers(worker["KESTRA_DBT_CACHE"]))


def test_client_that_vanishes_leaves_nothing_running(
    carry_out: Runner, project: Project, worker: dict[str, str]
) -> None:
    """The fork notices, interrupts dbt and ends; the warm process stays."""
    folder = project("broken/slow")

    def vanish(process: subprocess.Popen[bytes]) -> None:
        wait_until(lambda: busy(folder))
        process.kill()

    carry_out(SLOW, SECRETS, folder=folder, env=worker, during=vanish)
    assert len(settled(worker["KESTRA_DBT_CACHE"])) == 1


def test_folder_that_cannot_be_written_to_is_no_obstacle(
    carry_out: Runner, project: Project, worker: dict[str, str], tmp_path: Path
) -> None:
    """A plain process goes on, and the reason is said."""
    (tmp_path / "file").write_text("")
    run = carry_out(SEED, SECRETS, folder=project("shop"), env={**worker, "KESTRA_DBT_CACHE": str(tmp_path / "file")})
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert took_own_process(run)


def test_full_disk_is_no_obstacle(carry_out: Runner, project: Project, worker: dict[str, str], tmp_path: Path) -> None:
    """Where nothing more can be written a plain process goes on, and the reason is said."""
    with small_disk(tmp_path / "cache", "size=4k,nr_inodes=2") as cache:
        (cache / "all").write_bytes(bytes(4096))  # neither a block nor a file is left
        run = carry_out(SEED, SECRETS, folder=project("shop"), env={**worker, "KESTRA_DBT_CACHE": str(cache)})
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert took_own_process(run)


@pytest.mark.parametrize("given", [{"runs": 1}, {"memory_mb": 1}])
def test_warm_process_leaves_at_its_limits(
    carry_out: Runner, project: Project, worker: dict[str, str], given: dict[str, float]
) -> None:
    """Whatever has been asked for is carried out; the next request makes another one."""
    there = settled(worker["KESTRA_DBT_CACHE"])
    folder = project("shop")
    for _ in range(2):
        run = carry_out(SEED, SECRETS, folder=folder, env={**worker, **limits(**given)})
        assert run.ended.outcome is Outcome.SUCCESS, run
        assert any(STARTED in line for line in run.plain)
        wait_until(lambda: servers(worker["KESTRA_DBT_CACHE"]) == there)


@pytest.mark.parametrize("idle_s", [0, 1])
def test_warm_process_leaves_when_idle(
    carry_out: Runner, project: Project, worker: dict[str, str], idle_s: int
) -> None:
    """It takes no memory for a worker that runs no dbt."""
    there = settled(worker["KESTRA_DBT_CACHE"])
    run = carry_out(SEED, SECRETS, folder=project("shop"), env={**worker, **limits(idle_s=idle_s)})
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert not took_own_process(run)
    wait_until(lambda: servers(worker["KESTRA_DBT_CACHE"]) == there)


def test_dbt_killed_for_want_of_memory_ends_its_own_request_alone(
    carry_out: Runner, project: Project, worker: dict[str, str]
) -> None:
    """As the system does it, by a kill: what was done is told, and the warm process is there for the next request."""
    folder = project("broken/slow")

    def kill(process: subprocess.Popen[bytes]) -> None:  # noqa: ARG001 - as it is called
        wait_until(lambda: busy(folder))
        os.kill(servers(worker["KESTRA_DBT_CACHE"])[-1], signal.SIGKILL)

    run = carry_out(SLOW, SECRETS, folder=folder, env=worker, during=kill)
    assert run.failure.code is FailureCode.KILLED, run
    assert "dbt.log" in run.artifacts
    assert len(settled(worker["KESTRA_DBT_CACHE"])) == 1


def test_request_that_wants_more_memory_than_there_is_fails_alone(
    carry_out: Runner, project: Project, worker: dict[str, str]
) -> None:
    """The node that is refused memory has failed, and says so; others are done, and the next request does well."""
    folder = project("shop")
    carry_out(SEED, SECRETS, folder=folder, env=worker)
    greedy = "{% if execute %}{% set all = 'x' * 8000000000 %}{% endif %} select 1 as id"
    (folder / "models" / "greedy.sql").write_text(greedy)
    (folder / "models" / "modest.sql").write_text("select 1 as id")
    (server,) = settled(worker["KESTRA_DBT_CACHE"])
    unlimited = resource.prlimit(server, resource.RLIMIT_AS, (4 << 30, resource.RLIM_INFINITY))
    both = DbtCommand(command=["run"], options=DbtOptions(select=["greedy", "modest"]))
    run = carry_out(both, SECRETS, folder=folder, env={**worker, "APART": "from those that know the project"})
    resource.prlimit(server, resource.RLIMIT_AS, unlimited)
    assert run.ended.outcome is Outcome.FAILED, run
    assert run.nodes["model.shop.greedy"].status == "error"
    assert run.nodes["model.shop.modest"].status == "success"
    assert settled(worker["KESTRA_DBT_CACHE"]) == [server]
    assert carry_out(SEED, SECRETS, folder=folder, env=worker).ended.outcome is Outcome.SUCCESS


def test_workers_have_processes_of_their_own(carry_out: Runner, project: Project, worker: dict[str, str]) -> None:
    """Two on one machine, with one cache: what one makes ends with it, and is nothing to the other."""
    folder, cache = project("shop"), worker["KESTRA_DBT_CACHE"]
    carry_out(SEED, SECRETS, folder=folder, env=worker)
    there = settled(cache)
    with subprocess.Popen(["/bin/sleep", "600"]) as other:
        run = carry_out(SEED, SECRETS, folder=folder, env={**worker, "KESTRA_DBT_WARM": str(other.pid)})
        wait_until(lambda: len(named("warm", cache)) == len(there) + 1)
        other.kill()
    assert any(STARTED in line for line in run.plain)
    wait_until(lambda: servers(cache) == there)


def test_project_is_read_as_it_is(carry_out: Runner, project: Project, worker: dict[str, str]) -> None:
    """Edited between two requests, it is not taken for what it was."""
    folder = project("shop")
    carry_out(SEED, SECRETS, folder=folder, env=worker)
    (folder / "seeds" / "added.csv").write_text("id\n1\n")
    run = carry_out(SEED, SECRETS, folder=folder, env=worker)
    assert "seed.shop.added" in run.nodes, run


def test_python_files_of_a_project_are_not_modules(carry_out: Runner, project: Project, worker: dict[str, str]) -> None:
    """No process looks for what it imports in the working directory, where a file may have the name of a library."""
    folder = project("shop")
    (folder / "script.py").write_text("")
    (folder / "models" / "imports.py").write_text("def model(dbt, session):\n    import script\n    return script\n")
    for env in ({}, worker):
        run = carry_out(DbtCommand(command=["run"], args=["--select", "imports"]), SECRETS, folder=folder, env=env)
        assert "No module named 'script'" in str(run.nodes["model.shop.imports"].message), run


def test_worker_that_is_none_is_no_obstacle(carry_out: Runner, project: Project) -> None:
    """A variable that somebody has set to nonsense, or that tells of a process that is gone: the reason is said."""
    folder = project("shop")
    for worker in ("nonsense", "4999999"):
        run = carry_out(SEED, SECRETS, folder=folder, env={"KESTRA_DBT_WARM": worker})
        assert run.ended.outcome is Outcome.SUCCESS, run
        assert took_own_process(run)
