"""Where the runner starts: finds an interpreter that has dbt, then hands over. Standard library only.

Kept readable for old interpreters, so that they can say that they are too old.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from kestra_dbt.contract import early_failure
from kestra_dbt.environment import EnvironmentFailedError, ensure_environment, is_installed, masked
from kestra_dbt.stop_file import StopFile, StoppedError

OLDEST_PYTHON = (3, 10)

_HOPPED = "KESTRA_DBT_HOPPED"
"""Set once this program has gone on in another interpreter, so that it never goes round in circles."""


def main() -> None:
    """Run the command line given to this process."""
    arguments = sys.argv[1:]
    if sys.version_info < OLDEST_PYTHON:
        _give_up(
            "environment",
            "Python {}.{} is too old for kestra-dbt, which needs {}.{} or later: "
            "set `pythonPath` to such an interpreter.".format(*sys.version_info[:2], *OLDEST_PYTHON),
        )
    if arguments[:1] == ["run"] and len(arguments) > 1:
        _settle(arguments)
    from kestra_dbt.cli import run_command_line  # noqa: PLC0415 - its imports exist only in the right interpreter

    sys.exit(run_command_line(arguments))


def _settle(arguments: list[str]) -> None:
    """Return if this interpreter can carry out the request; else go on in one that can, or give up."""
    dependencies = _dependencies(arguments[1])
    if _has_dbt() and all(is_installed(requirement) for requirement in dependencies):
        return
    if _HOPPED in os.environ:
        if _has_dbt():
            return
        _give_up(
            "environment",
            "`dependencies` bring no dbt: add an adapter such as dbt-postgres, which brings dbt-core along.",
            f"dependencies: {masked(', '.join(dependencies))}",
        )
    if dependencies:
        try:
            _hop(_make_environment(dependencies, arguments[1]), arguments)
        except EnvironmentFailedError as failure:
            _give_up("environment", failure.sentence, failure.detail)
        except StoppedError:
            _give_up("killed", "The run was stopped while `dependencies` were being installed, before dbt started.")
    other = _interpreter_of_dbt()
    if other:
        _hop(other, arguments)
    _give_up(
        "environment",
        f"dbt is not installed for the interpreter {sys.executable}: set `dependencies` (such as [dbt-duckdb]), or "
        "`pythonPath` to an interpreter that has dbt, or a `taskRunner` with an image that has it.",
    )


def _has_dbt() -> bool:
    try:
        return all(importlib.util.find_spec(name) for name in ("dbt.cli", "pydantic"))
    except ImportError:
        return False


def _dependencies(request_file: str) -> list[str]:
    """Read the only field that matters here; whatever else is wrong with the request is said where it is validated."""
    try:
        with open(request_file, encoding="utf-8") as file:  # noqa: PTH123 - older than pathlib's users may expect
            found = json.load(file).get("dependencies", [])
    except (OSError, ValueError, AttributeError):
        return []
    return [str(requirement) for requirement in found if str(requirement).strip()]


def _make_environment(dependencies: list[str], request_file: str) -> str:
    signal.signal(signal.SIGTERM, _stop)
    try:
        return ensure_environment(dependencies, StopFile(Path(request_file)).check)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _stop(number: int, frame: object) -> None:  # noqa: ARG001 - as handlers are called
    raise StoppedError


def _interpreter_of_dbt() -> str | None:
    """Return the interpreter that the `dbt` on PATH starts with: that of another virtual environment, or of pipx."""
    script = shutil.which("dbt")
    if not script:
        return None
    with open(script, "rb") as file:  # noqa: PTH123
        first = file.readline(300)
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    found = words[0] if len(words) == 1 and "python" in os.path.basename(words[0]) else None  # noqa: PTH119
    return found if found and os.access(found, os.X_OK) else None


def _hop(python: str, arguments: list[str]) -> None:
    os.environ[_HOPPED] = "1"
    sys.stdout.flush()
    os.execv(python, [python, *_own_program(), *arguments])  # noqa: S606 - no shell is wanted


def _own_program() -> list[str]:
    """Return what starts this program again in another interpreter."""
    archive = getattr(globals()["__loader__"], "archive", None)
    if archive:
        return [archive]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    return ["-c", f"import sys; sys.path.insert(0, {root!r}); from kestra_dbt.bootstrap import main; main()"]


def _give_up(code: str, sentence: str, detail: str | None = None) -> None:
    sys.stdout.write(early_failure(code, sentence, detail))
    sys.stdout.flush()
    sys.exit(2)
