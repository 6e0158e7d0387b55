"""One invocation of a dbt that is run as a command: dbt Fusion, or a dbt Core that can't be imported here.

Its JSON log becomes the same events as those of a dbt in this process. Where its output would go to the task's log,
the JSON comes on its standard output; else the output goes where the script sends it, and dbt.log is the JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kestra_dbt.core.channel import STDOUT_VARIABLE, Channel, pipe_name
from kestra_dbt.core.command_context import CommandContext
from kestra_dbt.core.command_line import CommandLine
from kestra_dbt.core.command_process import SIGNALLED, CommandProcess
from kestra_dbt.core.failures import of_operation, of_text
from kestra_dbt.core.followed import INTERRUPTED, end, not_understood, translator_for
from kestra_dbt.core.json_log import parse
from kestra_dbt.core.translation import Translator
from kestra_dbt.protocol import Artifact, Failure, FailureCode
from kestra_dbt.terms.commands import is_list, verb
from kestra_dbt.terms.fields import Fields
from kestra_dbt.terms.text import clean
from kestra_dbt.wishes import COMMAND_VARIABLE

_ERRORS_KEPT = 20


def invoke(arguments: list[str], keep: Callable[[object], Artifact | None] | None = None) -> int:
    """Run dbt's command with ``arguments``, reporting to this process's supervisor if there is one.

    Args:
        arguments: of dbt's command line.
        keep: makes an artifact of what the command returns, if it is a table.

    Returns:
        Its exit code, as a shell tells it (128 + signal).
    """
    command = os.environ[COMMAND_VARIABLE]
    try:
        channel = Channel.from_environment()
    except ConnectionError:  # the run is being stopped: nothing new is begun
        return INTERRUPTED
    if channel is None:
        os.execv(command, [command, *arguments])  # noqa: S606 - no shell is wanted
    muted = pipe_name(1) == os.environ.get(STDOUT_VARIABLE)
    line = CommandLine(arguments)
    context = CommandContext(line)
    translator = translator_for(channel, context, arguments, muted=muted, kept=keep is not None)
    listener = Listener(translator)
    dbt = CommandProcess(command, arguments if keep is None else _as_json(arguments, line.command()), line, muted=muted)
    channel.when_broken(dbt.end_without_supervisor)
    code = dbt.run(listener.take)
    listener.release()
    translator.finish(context.results())
    if code > SIGNALLED:
        channel.abandon()  # without an end, as a dbt in this process that is killed: what was done until then is told
        return code
    artifact = keep(listener.table(line.command())) if keep and code == 0 else None
    failure = _failure(code, dbt, listener, translator, line)
    return end(channel, translator, code, artifact=artifact, failure=failure)


class Listener:
    """Takes the lines of a dbt: events go to the translator, what else is printed stays a line."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._first: Fields | None = None
        self._printed: list[str] = []
        self._shown: list[tuple[str, list[Mapping[str, Any]]]] = []
        self.errors: list[str] = []
        """What dbt says is wrong with the invocation itself, first things first."""

    def take(self, line: bytes, *, plain: bool) -> None:
        """Take a line; ``plain``: print it if it is no event."""
        event = parse(line)
        if event is not None and event.info.name == "MainReportVersion":
            # dbt.log gets each event after the console. The supervisor looks there for where this invocation begins, so
            # it is told of the first event when the second one is there.
            self._first = event
        elif event is not None:
            self.release()
            self._note(event)
            self._translator(event)
        elif plain:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def release(self) -> None:
        """Hand on what is held back."""
        if self._first is not None:
            self._translator(self._first)
            self._first = None

    def table(self, command: str) -> list[Any]:
        """Return what ``command`` has listed or shown."""
        if is_list(command):
            return self._printed
        several = len(self._shown) > 1
        return [{**({"unique_id": node} if several else {}), **row} for node, rows in self._shown for row in rows]

    def _note(self, event: Fields) -> None:
        name, data = event.info.name, event.data
        if name == "PrintEvent":
            self._printed.append(event.info.msg)
        elif name == "ShowNode" and isinstance(data.preview, str):
            self._shown.append((str(data.unique_id), _rows(data.preview)))
        elif event.info.level == "error" and not data.node_info and len(self.errors) < _ERRORS_KEPT:
            self.errors.append(clean(data.exc if isinstance(data.exc, str) else event.info.msg))


def _as_json(arguments: list[str], command: str) -> list[str]:
    """`list` has it from the request; what `show` shows is asked for as JSON, which can be read."""
    return [*arguments, "--output", "json"] if command == "show" and "--output" not in arguments else arguments


def _rows(preview: str) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(preview, parse_float=Decimal)
    except ValueError:  # the user asked for text
        return [{"preview": preview}]
    return rows if isinstance(rows, list) else [rows]


def _failure(
    code: int, dbt: CommandProcess, listener: Listener, translator: Translator, line: CommandLine
) -> Failure | None:
    command = os.environ[COMMAND_VARIABLE]
    if dbt.interrupted and code:
        return Failure(code=FailureCode.KILLED, sentence="dbt was told to stop before it was done.")
    if code and translator.operation_error is not None:
        return of_operation(translator.operation_error)
    if code and not translator.failed_nodes:
        return of_text("\n".join(listener.errors) or dbt.said or f"exit code {code}", command)
    if code == 0 and not translator.started and verb(line.command()) is not None:
        return Failure(
            code=FailureCode.INTERNAL,
            sentence=f"{command} ended well, but wrote no JSON log that can be read, so nothing is known of its nodes: "
            "use dbt 1.5 or later, or dbt Fusion.",
            detail=dbt.said or None,
        )
    return not_understood(translator)
