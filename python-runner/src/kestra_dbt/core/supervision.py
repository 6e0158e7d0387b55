"""Work of dbt in a child process, which is followed to its end, or stopped."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kestra_dbt.core.channel import CHANNEL_VARIABLE, DEBUG_VARIABLE, STDOUT_VARIABLE, pipe_name
from kestra_dbt.core.kept_child import start
from kestra_dbt.core.private import count_begun, private_folder, write_private
from kestra_dbt.core.reception import Reception
from kestra_dbt.core.stop import StopReport
from kestra_dbt.core.supervisor import Supervisor
from kestra_dbt.core.task_profiles import TASK_PROFILES_VARIABLE
from kestra_dbt.protocol import Secrets
from kestra_dbt.protocol.options import DbtRequestBase
from kestra_dbt.stop_file import StopFile

_DBT_DEFAULTS = {
    # dbt.log is read in a browser
    "DBT_USE_COLORS": "false",
    "DBT_USE_COLORS_FILE": "false",
    # it is kept whole: a rotation would part it
    "DBT_LOG_FILE_MAX_BYTES": "0",
}


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended."""

    exit_code: int
    stopped: StopReport | None
    """What a stop came to, if there was one."""
    begun: int
    """How many times a script started dbt."""


def supervised(
    work: Callable[[Path], Callable[[], int]],
    request: DbtRequestBase,
    secrets: Secrets,
    reception: Reception,
    stop_file: StopFile,
) -> ChildEnd:
    """Run a child to its end; what its dbts tell goes to ``reception``.

    Args:
        work: gets a private folder, and returns what the child does, which returns an exit code.
        request: whose work it is.
        secrets: of the request.
        reception: takes the events.
        stop_file: tells it to stop.

    Raises:
        StoppedError: it was told to stop before.
    """
    with private_folder() as private, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        os.environ.update(variables_of(request, secrets, private))
        child = work(private)
        listener.bind(str(private / "events.sock"))
        listener.listen()
        supervisor = Supervisor(listener, reception, stop_file)
        stop_file.check()
        # without the listener, or a dbt that was not yet let in when we were killed would wait for itself
        code = supervisor.run(lambda: start(_InChild(child), listener))
        return ChildEnd(code, supervisor.stopped, count_begun(private))


def variables_of(request: DbtRequestBase, secrets: Secrets, private: Path) -> dict[str, str]:
    """Return the variables that dbt gets on top of ours; profiles go to the folder ``private``."""
    variables = {CHANNEL_VARIABLE: str(private / "events.sock"), DEBUG_VARIABLE: "1" if request.debug else "0"}
    if secrets.profiles:
        write_private(private / "profiles" / "profiles.yml", secrets.profiles)
        variables["DBT_PROFILES_DIR"] = variables[TASK_PROFILES_VARIABLE] = str(private / "profiles")
    for name, value in _DBT_DEFAULTS.items():
        variables[name] = os.environ.get(name, value)
    return variables


@dataclass(frozen=True)
class _InChild:
    """Work that lets every dbt below know which pipe leads to the task's log."""

    work: Callable[[], int]

    def __call__(self) -> int:
        os.environ[STDOUT_VARIABLE] = pipe_name(1)
        return self.work()
