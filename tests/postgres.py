"""A PostgreSQL server of its own for the tests, gone when they are over."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import debian

USER = "dbt"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0


class NoPostgresError(Exception):
    """There is no server to start; the message says what to do."""


class Postgres:
    """A server that runs, on a port of the loopback. Leaving its `with` block stops it."""

    def __init__(self, programs: Path, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._programs, self._folder, self._process = programs, folder, process

    @classmethod
    def start(cls) -> Postgres:
        """Make a database and start its server, as another user if this one is root, whom PostgreSQL refuses.

        Raises:
            NoPostgresError: PostgreSQL is not installed, or does not start.
        """
        programs = find_programs()
        folder = Path(tempfile.mkdtemp(prefix="kestra-dbt-postgres-"))
        port = free_port()
        user = unprivileged_user()
        if user:
            shutil.chown(folder, user)
        data = str(folder / "data")
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=user, group=group_of(user), cwd=folder)
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        server: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            *(f"--{name}={value}" for name, value in settings.items()),
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                server, stdout=log, stderr=log, user=user, group=group_of(user), cwd=folder, start_new_session=True
            )
        postgres = cls(programs, folder, port, process)
        postgres._await_start()
        return postgres

    def rows(self, query: str) -> list[str]:
        """Return the rows of a query, columns separated by `|`."""
        command: list[str | Path] = [
            self._programs / "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            USER,
            "-XAtc",
            query,
        ]
        done = subprocess.run([*command, "postgres"], check=True, capture_output=True, text=True, timeout=30)
        return str(done.stdout).splitlines()

    def queries_of_dbt(self) -> list[str]:
        """Return the queries that dbt has running at this moment."""
        activity = "pg_stat_activity where application_name = 'dbt' and state <> 'idle'"
        return self.rows(f"select translate(query, E'\\n', ' ') from {activity}")  # noqa: S608 - it is all ours

    def stop(self) -> None:
        """End the server, whoever is connected, and delete the database."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _await_start(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        ready: list[str | Path] = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while self._process.poll() is None and time.monotonic() < deadline:
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.1)
        said = (self._folder / "log").read_text(errors="replace")
        self.stop()
        raise NoPostgresError(f"PostgreSQL does not start: {said[-500:]}")


def find_programs() -> Path:
    """Return the folder with PostgreSQL's programs, which Debian keeps off PATH; on a build machine, install them.

    Raises:
        NoPostgresError: there is none.
    """
    found = _installed_programs()
    if found is None:
        debian.install("postgresql")
        found = _installed_programs()
    if found is None:
        raise NoPostgresError("PostgreSQL is not installed: `apt-get install postgresql`, or put its programs on PATH.")
    return found


def _installed_programs() -> Path | None:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    if found := shutil.which("pg_config"):
        asked = subprocess.run([found, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(asked.stdout.strip()))
    if found := shutil.which("initdb"):
        candidates.append(Path(found).resolve().parent)
    usable = [
        folder for folder in candidates if all((folder / name).exists() for name in ("initdb", "postgres", "psql"))
    ]
    return usable[-1] if usable else None


def unprivileged_user() -> str | None:
    """Return whom to start the server as, if this user is root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def group_of(user: str | None) -> int | None:
    """Return the group of a user."""
    return pwd.getpwnam(user).pw_gid if user else None


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
