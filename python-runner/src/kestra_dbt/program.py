"""Where this program is. Standard library only."""

from __future__ import annotations

import os

HOPPED = "KESTRA_DBT_HOPPED"
"""Set once this program has gone on in another interpreter, so that it never goes round in circles."""


def program() -> str:
    """Return the zip file, or the folder, that this program is in."""
    archive: str | None = getattr(globals()["__loader__"], "archive", None)
    return archive or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
