"""One dbt invocation in this process, through dbt's public programmatic interface."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from kestra_dbt.core.adapters import accept_schemas_of_others
from kestra_dbt.core.channel import STDOUT_VARIABLE, Channel, pipe_name
from kestra_dbt.core.failures import of_exception, of_operation
from kestra_dbt.core.followed import INTERRUPTED, end, not_understood, translator_for
from kestra_dbt.core.in_process import ClickContext
from kestra_dbt.core.interruption import Interruption, end_without_supervisor
from kestra_dbt.core.kept_parse import KeptParse
from kestra_dbt.core.shortcuts import take_shortcuts
from kestra_dbt.core.translation import Translator
from kestra_dbt.errors import KestraDbtError
from kestra_dbt.protocol import Artifact, Failure


def invoke(
    arguments: list[str],
    keep: Callable[[Any], Artifact | None] | None = None,
    *,
    manifest: Manifest | None = None,
    check: Callable[[Any], None] | None = None,
) -> int:
    """Run dbt with ``arguments``, reporting to this process's supervisor if there is one; return dbt's exit code.

    Args:
        arguments: of dbt's command line.
        keep: makes an artifact of what the command returns, if it is a table.
        manifest: the project as it was parsed before; none: dbt parses it.
        check: called with what dbt has read of project and profile, before it does anything; may raise what is wrong.
    """
    try:
        channel = Channel.from_environment()
    except ConnectionError:  # the run is being stopped: nothing new is begun
        return INTERRUPTED
    take_shortcuts()
    muted = channel is not None and pipe_name(1) == os.environ.get(STDOUT_VARIABLE)
    if muted:
        arguments = _mute(arguments)
    interruption = Interruption()
    interruption.install()
    if channel is None:
        return exit_code(dbtRunner(manifest).invoke(arguments))
    channel.when_broken(end_without_supervisor)
    parse = KeptParse.of(arguments) if manifest is None else None
    brought = parse is not None and parse.bring()

    def attempt() -> _Attempt:
        context = ClickContext()
        translator = translator_for(channel, context, arguments, muted=muted, kept=keep is not None)
        callbacks: list[Callable[[Any], None]] = [translator, accept_schemas_of_others]
        if check:
            callbacks.append(context.checking(check))
        return _Attempt(context, translator, dbtRunner(manifest, callbacks).invoke(arguments))

    done = attempt()
    if parse and brought and done.failed_to_parse() and not interruption.has_come:
        parse.withdraw()
        print("dbt failed as it went on from its last parse of this project: now it parses all of it.", flush=True)  # noqa: T201
        done = attempt()
    interruption.finish()
    result, translator = done.result, done.translator
    if parse:
        parse.keep(translator.warnings, done.context.project_root())
    translator.finish(result.result)
    artifact = keep(result.result) if keep else None
    return end(channel, translator, exit_code(result), artifact=artifact, failure=_failure(result, translator))


@dataclass(frozen=True)
class _Attempt:
    """One of dbt, and what it came to."""

    context: ClickContext
    translator: Translator
    result: dbtRunnerResult

    def failed_to_parse(self) -> bool:
        """Tell whether it has ended between reading the project's settings and having all of the project."""
        error = self.result.exception
        of_the_project = error is not None and not isinstance(error, OSError | KestraDbtError)
        return of_the_project and self.context.project_root() is not None and self.context.manifest is None


def exit_code(result: dbtRunnerResult) -> int:
    """Return the exit code that dbt's own command line would have: 1 when nodes failed, 2 when dbt did."""
    if result.success:
        return 0
    return 1 if result.exception is None else 2


def _failure(result: dbtRunnerResult, translator: Translator) -> Failure | None:
    if isinstance(result.exception, KestraDbtError):
        return result.exception.as_failure()
    if result.exception is not None:
        return of_exception(result.exception)
    if translator.operation_error is not None and not result.success:
        return of_operation(translator.operation_error)
    return not_understood(translator)


def _mute(arguments: list[str]) -> list[str]:
    """Keep dbt's lines off the task's log, where the events bring them; dbt.log keeps what was asked for."""
    os.environ["DBT_LOG_LEVEL"] = "none"
    os.environ.setdefault("DBT_LOG_LEVEL_FILE", "debug")
    kept: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == "--log-level":
            next(given, None)
        elif not argument.startswith("--log-level="):
            kept.append(argument)
    return kept
