"""Finds an interpreter that has what a command line needs, or makes one, and goes on in it. Standard library only.

Kept readable for old interpreters, as all that runs before it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from kestra_dbt.contract import early_failure
from kestra_dbt.engine import (
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
from kestra_dbt.program import HOPPED, program
from kestra_dbt.stop_file import StopFile, StoppedError
from kestra_dbt.wishes import COMMAND_VARIABLE, Wishes


def settle_for_terminal(arguments: list[str]) -> None:
    """Return if this interpreter has what a command for people needs; else say what it lacks, and end."""
    if arguments[:1] == ["platform"] and not can_reach_platform():
        needed = " ".join((*OWN_REQUIREMENTS, *PLATFORM_REQUIREMENTS))
        sys.exit(f"{sys.executable} lacks what this needs: install {needed}")
    if arguments[:1] == ["flow"] and not can_write_flows():
        sys.exit(
            f"{sys.executable} lacks what this needs: use one that has dbt, or install {OWN_REQUIREMENTS[0]} PyYAML"
        )


def settle(wishes: Wishes, arguments: list[str]) -> None:
    """Return if this interpreter can carry out the request; else go on in one that can, or give up."""
    dependencies, engine, kind = wishes.dependencies, wishes.engine, wishes.kind
    os.environ.pop(COMMAND_VARIABLE, None)
    if kind.startswith("platform_"):
        _settle_for_platform(dependencies, arguments)
        return
    if not wishes.needs_dbt:
        _settle_without_dbt(kind, arguments)
        return
    hopped = HOPPED in os.environ
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


def _settle_for_platform(dependencies: list[str], arguments: list[str]) -> None:
    """Likewise, for a request for the dbt platform, which needs no dbt."""
    if can_reach_platform() and (HOPPED in os.environ or all(map(is_installed, dependencies))):
        return
    if HOPPED in os.environ:
        _give_up("environment", f"The environment of {sys.executable} is not whole: remove it, it is made again.")
    _hop(_make_environment(dependencies, arguments[1], PLATFORM_REQUIREMENTS), arguments)


def _settle_without_dbt(kind: str, arguments: list[str]) -> None:
    """Return if this interpreter has what the runner itself needs for this; else go on in one that has."""
    of_flow = kind == "graph_flow"
    if not (can_write_flows() if of_flow else has_own_requirements()):
        if HOPPED in os.environ:
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
    os.environ[HOPPED] = "1"
    sys.stdout.flush()
    os.execv(python, [python, *_own_program(), *arguments])  # noqa: S606 - no shell is wanted


def _own_program() -> list[str]:
    """Return what starts this program again in another interpreter."""
    path = program()
    if os.path.isfile(path):  # noqa: PTH113 - older than pathlib's users may expect
        return [path]
    return ["-c", f"import sys; sys.path.insert(0, {path!r}); from kestra_dbt.bootstrap import main; main()"]


def _give_up(code: str, sentence: str, detail: str | None = None) -> NoReturn:
    sys.stdout.write(early_failure(code, sentence, detail))
    sys.stdout.flush()
    sys.exit(2)
