"""Where the runner starts: finds an interpreter that has dbt, then hands over. Standard library only.

Kept readable for old interpreters, so that they can say that they are too old.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

from kestra_dbt.contract import early_failure
from kestra_dbt.engine import (
    COMMAND_VARIABLE,
    can_import_dbt,
    can_reach_platform,
    can_write_flows,
    dbt_command,
    has_own_requirements,
    interpreter_with_dbt,
)
from kestra_dbt.environment import (
    FLOW_REQUIREMENTS,
    OWN_REQUIREMENTS,
    PLATFORM_REQUIREMENTS,
    EnvironmentFailedError,
    ensure_environment,
    is_installed,
    masked,
)
from kestra_dbt.stop_file import StopFile, StoppedError

OLDEST_PYTHON = (3, 10)

_OF_DBT = ("dbt_command", "shell_script", "graph_node", "graph_flow")
"""Kinds of requests that dbt, imported, carries out."""

_HOPPED = "KESTRA_DBT_HOPPED"
"""Set once this program has gone on in another interpreter, so that it never goes round in circles."""


class _Wishes(NamedTuple):
    """What a request says about where it is carried out."""

    dependencies: list[str]
    engine: str
    kind: str
    needs_dbt: bool


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
        wishes = _wishes(arguments[1])
        _go_warm(wishes, arguments, start=False)  # a warm process of this interpreter has all that would be looked for
        _settle(wishes, arguments)
        _go_warm(wishes, arguments, start=True)
    elif arguments[:1] == ["platform"] and not can_reach_platform():
        needed = " ".join((*OWN_REQUIREMENTS, *PLATFORM_REQUIREMENTS))
        sys.exit(f"{sys.executable} lacks what this needs: install {needed}")
    elif arguments[:1] == ["flow"] and not can_write_flows():
        sys.exit(
            f"{sys.executable} lacks what this needs: use one that has dbt, or install {OWN_REQUIREMENTS[0]} PyYAML"
        )
    from kestra_dbt.cli import run_command_line  # noqa: PLC0415 - its imports exist only in the right interpreter

    sys.exit(run_command_line(arguments))


def _settle(wishes: _Wishes, arguments: list[str]) -> None:
    """Return if this interpreter can carry out the request; else go on in one that can, or give up."""
    dependencies, engine, kind, needs_dbt = wishes
    os.environ.pop(COMMAND_VARIABLE, None)
    if kind.startswith("platform_"):
        _settle_for_platform(dependencies, arguments)
        return
    if not needs_dbt:
        _settle_without_dbt(kind, arguments)
        return
    hopped = _HOPPED in os.environ
    met = hopped or all(is_installed(requirement) for requirement in dependencies)
    imports = engine != "FUSION"
    if imports and met and can_import_dbt():
        return
    if dependencies and not hopped and (imports or not met):
        _hop(_make_environment(dependencies, arguments[1]), arguments)
    other = interpreter_with_dbt() if imports and not dependencies and not hopped else None
    if other:
        _hop(other, arguments)
    command = dbt_command("AUTO" if imports else "FUSION", beside_python_only=bool(imports and dependencies))
    if command and engine != "CORE":
        _run_as_command(command, kind, arguments)
    else:
        _give_up(
            "environment", _no_dbt(engine, dependencies, command), f"dependencies: {masked(', '.join(dependencies))}"
        )


def _go_warm(wishes: _Wishes, arguments: list[str], *, start: bool) -> None:
    """End here if a warm process is wanted and has carried out the request; else return.

    Args:
        wishes: of the request.
        arguments: of this program.
        start: whether this interpreter is known to be the right one, so that a warm process may be started for it.
    """
    dbt_needed = wishes.kind in _OF_DBT and wishes.needs_dbt
    if "KESTRA_DBT_WARM" not in os.environ or COMMAND_VARIABLE in os.environ or not dbt_needed:
        return
    if not start and (wishes.dependencies or wishes.engine == "FUSION"):
        return
    from kestra_dbt.warm.client import carry_out  # noqa: PLC0415 - most have no need of it

    code = carry_out(arguments, Path(_program()), start=start)
    if code is not None:
        sys.exit(code)


def _settle_for_platform(dependencies: list[str], arguments: list[str]) -> None:
    """Likewise, for a request for the dbt platform, which needs no dbt."""
    if can_reach_platform() and (_HOPPED in os.environ or all(map(is_installed, dependencies))):
        return
    if _HOPPED in os.environ:
        _give_up("environment", f"The environment of {sys.executable} is not whole: remove it, it is made again.")
    _hop(_make_environment(dependencies, arguments[1], PLATFORM_REQUIREMENTS), arguments)


def _settle_without_dbt(kind: str, arguments: list[str]) -> None:
    """Return if this interpreter has what the runner itself needs for this; else go on in one that has."""
    of_flow = kind == "graph_flow"
    if not (can_write_flows() if of_flow else has_own_requirements()):
        if _HOPPED in os.environ:
            _give_up("environment", f"The environment of {sys.executable} is not whole: remove it, it is made again.")
        _hop(_make_environment([], arguments[1], FLOW_REQUIREMENTS if of_flow else ()), arguments)


def _run_as_command(command: str, kind: str, arguments: list[str]) -> None:
    """Have dbt run as a command, in an interpreter that has what the runner itself needs."""
    _settle_without_dbt(kind, arguments)
    os.environ[COMMAND_VARIABLE] = command
    sys.stdout.write(f"dbt is run as a command, {command}: it is not imported.\n")
    sys.stdout.flush()


def _no_dbt(engine: str, dependencies: list[str], command: str | None) -> str:
    if engine == "FUSION":
        return (
            "`engine: FUSION` needs a command `dbtf` or `dbt`, and none is on PATH: install dbt Fusion there, or set a "
            "`taskRunner` with an image that has it."
        )
    if dependencies:
        return "`dependencies` bring no dbt: add an adapter such as dbt-postgres, which brings dbt-core along."
    unused = f" The command {command} is not used because of `engine: CORE`." if command else ""
    return (
        f"dbt is not installed for the interpreter {sys.executable}: set `dependencies` (such as [dbt-duckdb]), or "
        f"`pythonPath` to an interpreter that has dbt, or a `taskRunner` with an image that has it.{unused}"
    )


def _wishes(request_file: str) -> _Wishes:
    """Read the fields that matter here; whatever else is wrong with the request is said where it is validated."""
    try:
        with open(request_file, encoding="utf-8") as file:  # noqa: PTH123 - older than pathlib's users may expect
            request = json.load(file)
        dependencies, engine = request.get("dependencies", []), request.get("engine", "AUTO")
        kind = request.get("kind", "")
        needs_dbt = kind not in ("set_up", "graph_collect") or bool(request.get("generate_docs"))
        needs_dbt = needs_dbt and not (kind == "graph_flow" and request.get("manifest") is not None)
    except (OSError, ValueError, AttributeError):
        return _Wishes([], "AUTO", "", needs_dbt=True)
    wanted = [str(requirement) for requirement in dependencies if str(requirement).strip()]
    return _Wishes(wanted, str(engine), str(kind), needs_dbt)


def _make_environment(dependencies: list[str], request_file: str, own: tuple[str, ...] = ()) -> str:
    """Return the interpreter of an environment with `dependencies` and what we need ourselves, or give up."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        return ensure_environment([*dependencies, *own], StopFile(Path(request_file)).check)
    except EnvironmentFailedError as failure:
        ours = (
            "" if dependencies else f" {sys.executable} lacks it: install it, or set `pythonPath` to one that has it."
        )
        _give_up("environment", failure.sentence + ours, failure.detail)
    except StoppedError:
        _give_up("killed", "The run was stopped while `dependencies` were being installed, before dbt started.")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _stop(number: int, frame: object) -> None:  # noqa: ARG001 - as handlers are called
    raise StoppedError


def _hop(python: str, arguments: list[str]) -> NoReturn:
    os.environ[_HOPPED] = "1"
    sys.stdout.flush()
    os.execv(python, [python, *_own_program(), *arguments])  # noqa: S606 - no shell is wanted


def _own_program() -> list[str]:
    """Return what starts this program again in another interpreter."""
    program = _program()
    if os.path.isfile(program):  # noqa: PTH113 - older than pathlib's users may expect
        return [program]
    return ["-c", f"import sys; sys.path.insert(0, {program!r}); from kestra_dbt.bootstrap import main; main()"]


def _program() -> str:
    """Return the zip file, or the folder, that this program is in."""
    archive: str | None = getattr(globals()["__loader__"], "archive", None)
    return archive or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120


def _give_up(code: str, sentence: str, detail: str | None = None) -> NoReturn:
    sys.stdout.write(early_failure(code, sentence, detail))
    sys.stdout.flush()
    sys.exit(2)
