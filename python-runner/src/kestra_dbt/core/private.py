"""A private folder for what a run must keep to itself: profiles.yml, the script, the socket, the `dbt` on its PATH."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kestra_dbt.errors import RunnerError

_LONGEST = 80
"""Characters: the path of a Unix socket in the folder has to fit into 104 bytes (macOS; Linux takes 108)."""


_BEGUN = "begun"
"""File with a line for each dbt that a script started."""


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a folder that only this user can open, gone when the run is over.

    It is outside the working directory, so that no pattern for output files reaches it and no namespace file
    takes its place.
    """
    folder = Path(tempfile.mkdtemp(prefix="kestra-dbt-"))
    if len(str(folder)) > _LONGEST:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="kestra-dbt-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_private(file: Path, text: str) -> Path:
    """Write ``text`` for this user's eyes only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return file


def put_dbt_on_path(folder: Path, own_command: list[str]) -> Path:
    """Write a ``dbt`` that hands its arguments, untouched, to this runner; return the folder to put on PATH.

    First of all it notes that it was called: whatever keeps dbt from being heard of after that can then be told.
    """
    script = folder / "bin" / "dbt"
    begun = shlex.quote(str(folder / _BEGUN))
    write_private(script, f'#!/bin/sh\necho >>{begun}\nexec {shlex.join([*own_command, "dbt"])} "$@"\n')
    script.chmod(0o700)
    if not os.access(script, os.X_OK):
        raise RunnerError(f"Programs may not be started from {folder.parent}: set TMPDIR to a folder where they may.")
    return script.parent


def count_begun(folder: Path) -> int:
    """Return how many times the ``dbt`` that was put on PATH has been called."""
    begun = folder / _BEGUN
    return len(begun.read_bytes().splitlines()) if begun.is_file() else 0
