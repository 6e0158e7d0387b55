"""The way to run dbt that was found for this run."""

import os
from collections.abc import Callable

from kestra_dbt.wishes import COMMAND_VARIABLE


def invoker() -> Callable[..., int]:
    """Return the function that runs dbt with the arguments of its command line: in this process, or as a command."""
    if COMMAND_VARIABLE in os.environ:
        from kestra_dbt.core.as_command import invoke as run_as_command  # noqa: PLC0415 - it needs no dbt here

        return run_as_command
    from kestra_dbt.core.invocation import invoke  # noqa: PLC0415 - dbt is imported in the child alone

    return invoke
