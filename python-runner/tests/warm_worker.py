"""A worker for warm processes: they live below its cache folder, and end with it."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_until

_PARENT, _BEGAN = 1, 19
"""Places in what follows a process's name in /proc/PID/stat."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield the variables of a worker of its own, which ends with the tests, and its warm process with it."""
    process = subprocess.Popen(["/bin/sleep", "600"])
    cache = tmp_path_factory.mktemp("cache")
    yield {"KESTRA_DBT_WARM": str(process.pid), "KESTRA_DBT_CACHE": str(cache)}
    process.kill()
    process.wait()
    wait_until(lambda: not processes(cache))


def processes(cache: Path | str) -> list[int]:
    """Return the warm processes that have something below ``cache``, and all that they have forked, oldest first."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().decode()
            if "kestra_dbt.warm.server" in line and str(cache) in line:
                pid = int(folder.name)
                found.append((_stat(pid, _BEGAN), pid))  # the numbers of processes begin anew now and then
    return [pid for _, pid in sorted(found)]


def servers(cache: Path | str) -> list[int]:
    """Return those of them that do not know what dbt has parsed, which stay once a project has been run twice."""
    return [pid for pid in processes(cache) if pid not in named("kept", cache)]


def _stat(pid: int, place: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[place])


def settled(cache: Path | str) -> list[int]:
    """Return the warm processes, once nothing is left of a request, and whoever is followed by another is gone.

    For workers without packed projects.
    """

    def are_settled() -> bool:
        with contextlib.suppress(OSError):
            found = servers(cache)
            return found == named("warm", cache) and not {_stat(pid, _PARENT) for pid in found} & set(found)
        return False

    wait_until(are_settled)
    return servers(cache)


def named(name: str, cache: Path | str) -> list[int]:
    """Return those of them that are called so.

    `warm`, `pack` and `kept` if it has a project in memory, `next` if it gets ready to follow; and of their forks
    `wait`, `run`, `idle`.
    """
    found = []
    for pid in processes(cache):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text() == f"kestra-dbt {name}\n":
                found.append(pid)
    return found
