"""How to start this program again."""

import sys
from pathlib import Path

import kestra_dbt


def own_command() -> list[str]:
    """Return the command that starts this program, from the same zipapp or installation, in the same interpreter."""
    archive = getattr(kestra_dbt.__loader__, "archive", None)
    if archive:
        return [sys.executable, str(Path(archive).absolute())]
    return [sys.executable, "-m", "kestra_dbt"]
