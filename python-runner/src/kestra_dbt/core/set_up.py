"""A virtual environment and profiles in the working directory, for the dbts that come after in it."""

import os
import shlex
import signal
from pathlib import Path

from kestra_dbt.core.private import write_private
from kestra_dbt.environment import EnvironmentFailedError, environment_here
from kestra_dbt.errors import RequestError
from kestra_dbt.protocol import Ended, Outcome, Secrets, SetUp, Summary
from kestra_dbt.standard_output import write_event
from kestra_dbt.stop_file import StopFile, StoppedError

_ENVIRONMENT = Path(".dbt-environment")
_COMMANDS = Path("bin")
_PROFILES = Path(".profile/profiles.yml")


def set_up(request: SetUp, secrets: Secrets, stop_file: StopFile) -> int:
    """Carry out ``request`` in the working directory, and return the exit code.

    Raises:
        RequestError: a requirement can't be installed.
        StoppedError: it was told to stop.
    """
    signal.signal(signal.SIGTERM, _stop)
    if secrets.profiles:
        write_private(_PROFILES, secrets.profiles)
    if request.requirements:
        try:
            environment_here(_ENVIRONMENT, request.requirements, stop_file.check)
        except EnvironmentFailedError as error:
            sentence = error.sentence.replace("`dependencies`", "`requirements`")
            raise RequestError(sentence, error.detail) from error
        _link_commands()
    write_event(Ended(outcome=Outcome.SUCCESS, exit_code=0, summary=Summary()))
    return 0


def _stop(number: int, frame: object) -> None:  # noqa: ARG001 - as handlers are called
    raise StoppedError


def _link_commands() -> None:
    """Make the environment's commands known as `./bin/...`; a file of the user's own of that name stays."""
    _COMMANDS.mkdir(exist_ok=True)
    for command in (_ENVIRONMENT / "bin").iterdir():
        known = _COMMANDS / command.name
        if command.name.startswith("python"):  # by a link it would not find its environment
            target = _COMMANDS / f".{command.name}"
            target.write_text(f'#!/bin/sh\nexec {shlex.quote(str(command.absolute()))} "$@"\n', encoding="utf-8")
            target.chmod(0o755)
        else:
            target = command
        if known.is_symlink():
            known.unlink()
        if not known.exists():
            known.symlink_to(os.path.relpath(target, _COMMANDS))
