"""The file that asks a run to stop: it works where no signal gets through, if only the request's folder is shared.

Standard library only: it is looked for while an environment is being made, too.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

GRACE_S = 10.0
"""Seconds between asking dbt to stop and killing it, where nothing else is said."""


class StoppedError(Exception):
    """The run was told to stop before dbt had started."""


class StopFile:
    """``request.stop`` beside ``request.json``. Its text is the seconds of grace."""

    def __init__(self, request: Path) -> None:
        self._file = request.with_suffix(".stop")

    def take(self) -> float | None:
        """Return the seconds of grace if a stop was asked for, else None.

        The file is gone afterwards, which tells who wrote it that this runner sees the folder and stops.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
        except OSError:
            return None
        with contextlib.suppress(OSError):
            self._file.unlink()
        try:
            return max(0.0, float(text))
        except ValueError:
            return GRACE_S

    def check(self) -> None:
        """Raise StoppedError if a stop was asked for."""
        if self.take() is not None:
            raise StoppedError
