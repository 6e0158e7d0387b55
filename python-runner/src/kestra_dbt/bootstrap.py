"""Where the runner starts: has a warm process do the work if there is one, else finds an interpreter that has dbt.

Standard library only, and little of it: a warm process takes 0.2 s, of which each import here is a part.
Kept readable for old interpreters, so that they can say that they are too old.
"""

from __future__ import annotations

import os
import sys

from kestra_dbt.contract import early_failure
from kestra_dbt.wishes import Wishes

OLDEST_PYTHON = (3, 10)


def main() -> None:
    """Run the command line given to this process."""
    arguments = sys.argv[1:]
    if sys.version_info < OLDEST_PYTHON:
        sentence = (
            "Python {}.{} is too old for kestra-dbt, which needs {}.{} or later: "
            "set `pythonPath` to such an interpreter.".format(*sys.version_info[:2], *OLDEST_PYTHON)
        )
        sys.stdout.write(early_failure("environment", sentence))
        sys.exit(2)
    if arguments[:1] == ["run"] and len(arguments) > 1:
        wishes = Wishes(arguments[1])
        if wishes.are_met_here():  # a warm process of this interpreter has all that would be looked for
            _go_warm(wishes, arguments, start=False)
        from kestra_dbt.settling import settle  # noqa: PLC0415 - not needed where a warm process was found

        settle(wishes, arguments)
        _go_warm(wishes, arguments, start=True)
    else:
        from kestra_dbt.settling import settle_for_terminal  # noqa: PLC0415

        settle_for_terminal(arguments)
    from kestra_dbt.cli import run_command_line  # noqa: PLC0415 - its imports exist only in the right interpreter

    sys.exit(run_command_line(arguments))


def _go_warm(wishes: Wishes, arguments: list[str], *, start: bool) -> None:
    """End here if a warm process is wanted and has carried out the request; else return.

    Args:
        wishes: of the request.
        arguments: of this program.
        start: whether this interpreter is known to be the right one, so that a warm process may be started for it.
    """
    if "KESTRA_DBT_WARM" not in os.environ or not wishes.are_of_imported_dbt():
        return
    from kestra_dbt.warm.client import carry_out  # noqa: PLC0415 - most have no need of it

    code = carry_out(wishes, arguments, start=start)
    if code is not None:
        sys.exit(code)
