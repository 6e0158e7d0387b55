"""What all invocations that a supervisor follows have in common, whichever way dbt is run."""

import os
import signal
from datetime import datetime, timezone

from kestra_dbt.core.channel import DEBUG_VARIABLE, Channel
from kestra_dbt.core.context import Context
from kestra_dbt.core.translation import Translator, Wanted
from kestra_dbt.protocol import Artifact, Failure, FailureCode, InvocationFinished
from kestra_dbt.terms.words import selection

INTERRUPTED = 128 + signal.SIGINT
"""Exit code of an invocation that is not begun, because the run is being stopped."""


def translator_for(channel: Channel, context: Context, arguments: list[str], *, muted: bool, kept: bool) -> Translator:
    """Return what translates dbt's events and sends them through ``channel``.

    Args:
        channel: to the supervisor.
        context: what is known of the invocation beyond its events.
        arguments: of dbt's command line.
        muted: dbt prints nothing, so all its lines are to be told.
        kept: what the command returns becomes a table.
    """
    wanted = Wanted(debug=os.environ.get(DEBUG_VARIABLE) == "1", quiet=not muted, kept=kept)
    return Translator(channel.invocation, channel.send, context, selection=selection(arguments), wanted=wanted)


def not_understood(translator: Translator) -> Failure | None:
    """Return the failure of a translation that met what it does not know; None if it went well."""
    if translator.fault is None:
        return None
    return Failure(
        code=FailureCode.INTERNAL,
        sentence="dbt ran, but what it told could not be understood: report this with the dbt version and the log.",
        detail=repr(translator.fault),
    )


def end(
    channel: Channel, translator: Translator, code: int, *, artifact: Artifact | None, failure: Failure | None
) -> int:
    """Tell the supervisor how the invocation ended, wait until its files are collected, and return its exit code."""
    if artifact is not None:
        channel.send(artifact)
    if failure is not None:
        code = code or 2
        channel.send(failure)
    channel.send(
        InvocationFinished(
            invocation=channel.invocation,
            exit_code=code,
            at=datetime.now(timezone.utc),
            warnings=dict(translator.warnings),
        )
    )
    channel.finish()
    return code
