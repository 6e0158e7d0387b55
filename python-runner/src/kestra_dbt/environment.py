"""Virtual environments made from pip requirements: once for each set of requirements, kept and shared.

Standard library only: it runs where nothing is installed yet.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from kestra_dbt.cache import NoCacheError, cache_folder
from kestra_dbt.contract import SECRETS_VARIABLE

OWN_REQUIREMENTS = ("pydantic>=2.5,<3",)
"""What the runner itself needs beside dbt."""

PLATFORM_REQUIREMENTS = ("httpx>=0.27,<1",)
"""What it needs for the dbt platform, instead of dbt."""

FLOW_REQUIREMENTS = ("PyYAML>=6,<7",)
"""What it needs for writing flows, which dbt brings along."""

_READY = ".kestra-dbt-ready"
_CHECK_EVERY_S = 0.2
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^]]*\])?\s*([^;@]*?)\s*(;.*)?$")


class EnvironmentFailedError(Exception):
    """No environment could be made. Carries one sentence for people, and what the installer said."""

    def __init__(self, sentence: str, detail: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail


def is_installed(requirement: str) -> bool:
    """Tell whether this interpreter meets a pip requirement. One that can't be told (a URL, an option) counts as no."""
    parts = _NAME.match(requirement)
    if not parts:
        return False
    import importlib.metadata  # noqa: PLC0415 - it takes as long as the rest of this module

    try:
        version = importlib.metadata.version(parts[1])
    except importlib.metadata.PackageNotFoundError:
        return False
    if not parts[3]:
        return True
    try:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - dbt brings it along
    except ImportError:
        return False
    try:
        return SpecifierSet(parts[3]).contains(version, prereleases=True)
    except InvalidSpecifier:
        return False


def ensure_environment(requirements: list[str], check: Callable[[], None] = lambda: None) -> str:
    """Return the interpreter of an environment that has ``requirements``, making it if it is not there yet.

    Safe when several tasks start together: one makes it, the others wait.

    Args:
        requirements: for pip.
        check: called again and again meanwhile; what it raises ends the work, and what was started for it.

    Raises:
        EnvironmentFailedError: a requirement could not be installed.
    """
    wanted = sorted({*(r.strip() for r in requirements), *OWN_REQUIREMENTS})
    identity = "\n".join([sys.version, sys.platform, sys.prefix, *wanted, *_contents(wanted)])
    folder = _cache() / "environments" / hashlib.sha256(identity.encode()).hexdigest()[:16]
    python = folder / "bin" / "python"
    if (folder / _READY).exists():
        return str(python)
    with _locked(folder.with_suffix(".lock"), check):
        if not (folder / _READY).exists():
            started = time.monotonic()
            # Compiled now: where PYTHONDONTWRITEBYTECODE is set, as in many images, every run would do it again.
            _make(folder, wanted, check, compiled=True)
            (folder / _READY).touch()
            _tell(f"{_made(wanted, started)}; it is kept as {folder} for the next runs.")
    return str(python)


def _contents(requirements: list[str]) -> Iterator[str]:
    """Yield what files among the requirements (`-r requirements.txt`) say: a changed file is another environment."""
    for requirement in requirements:
        option = re.match(r"(?:-r|-c|--requirement|--constraint)[\s=]*(.+)", requirement)
        if option and Path(option[1]).is_file():
            yield Path(option[1]).read_text(encoding="utf-8", errors="replace")


def environment_here(folder: Path, requirements: list[str], check: Callable[[], None]) -> None:
    """Make an environment that has ``requirements`` in ``folder``, in place of what was there.

    Raises:
        EnvironmentFailedError: a requirement could not be installed.
    """
    started = time.monotonic()
    _make(folder, requirements, check, compiled=False)  # it is not kept: what is imported is compiled then
    _tell(f"{_made(requirements, started)}.")


def _make(folder: Path, wanted: list[str], check: Callable[[], None], *, compiled: bool) -> None:
    python = folder / "bin" / "python"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run left half made
    uv = shutil.which("uv")
    create = [uv, "venv", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
    install = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
    if uv and compiled:  # pip always does
        install.append("--compile-bytecode")
    # A file keeps an index address with a password in it off the command line.
    # It lies in this folder, from which other files are named.
    with tempfile.NamedTemporaryFile("w", prefix=".kestra-dbt-", suffix=".txt", dir=_writable_here()) as requirements:
        requirements.write("\n".join(wanted) + "\n")
        requirements.flush()
        try:
            _run([*create, str(folder)], f"No virtual environment could be made with {sys.executable}", check)
            _run([*install, "-q", "-r", requirements.name], f"{_subject(wanted)} could not be installed", check)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _made(wanted: list[str], started: float) -> str:
    tool = "uv" if shutil.which("uv") else "pip"
    return f"Made a virtual environment with {masked(', '.join(wanted))} in {time.monotonic() - started:.1f} s ({tool})"


def _tell(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a line of the task's log


def _subject(wanted: list[str]) -> str:
    own = {*OWN_REQUIREMENTS, *PLATFORM_REQUIREMENTS, *FLOW_REQUIREMENTS}
    return "What the runner itself needs" if own.issuperset(wanted) else "`dependencies`"


def _run(command: list[str], complaint: str, check: Callable[[], None]) -> None:
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        code = _wait_for(command, said, check)
        if code:
            said.seek(0)
            output = masked(said.read().strip())
            raise EnvironmentFailedError(f"{complaint}: {_reason(output) or f'exit code {code}'}.", output)


def _wait_for(command: list[str], said: IO[str], check: Callable[[], None]) -> int:
    process = subprocess.Popen(
        command,
        stdout=said,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # packages may run code of their own while they are built
        env={name: value for name, value in os.environ.items() if name != SECRETS_VARIABLE},
    )
    try:
        while True:
            check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_CHECK_EVERY_S)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # an installer may be building a package, in processes of its own
            process.wait()


def _writable_here() -> str | None:
    return "." if os.access(".", os.W_OK) else None


def masked(text: str) -> str:
    """Return ``text`` without the passwords of addresses in it, as of a package index."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _reason(output: str) -> str:
    """Return the line in which uv or pip says what was wrong: the longest of those that look like it."""
    lines = [re.sub(r"^\W+", "", line) for line in output.splitlines()]
    telling = [line for line in lines if re.search(r"(?i)error|because|no solution|not found|failed", line)]
    return max(telling or lines, key=len, default="").rstrip(".")[:300]


def _cache() -> Path:
    try:
        return cache_folder()
    except NoCacheError as error:
        raise EnvironmentFailedError(str(error)) from error


@contextlib.contextmanager
def _locked(file: Path, check: Callable[[], None]) -> Iterator[None]:
    import fcntl  # noqa: PLC0415 - POSIX only, as this whole function is

    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it even if we are killed
                break
            except BlockingIOError:
                check()
                time.sleep(_CHECK_EVERY_S)
        yield
