"""The folder for what is kept from run to run. Standard library only, and little of it: warm requests need it."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # without loading typing
if TYPE_CHECKING:
    from pathlib import Path

CACHE_VARIABLE = "KESTRA_DBT_CACHE"
"""Environment variable that names the cache folder. Default: ``kestra-dbt`` in the user's cache folder."""

_KEPT_S = 7 * 86_400.0


class NoCacheError(OSError):
    """Why nothing can be kept: a sentence that says what to do."""


def cache_folder() -> Path:
    """Return the folder for what is kept from run to run, this user's own.

    Raises:
        NoCacheError: there is none that is.
    """
    from pathlib import Path  # noqa: PLC0415

    return Path(cache_path())


def cache_path() -> str:
    """Return its path."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return named
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH118, PTH111
    # A container may run as a user without a home.
    usable = os.access(home if os.path.isdir(home) else os.path.dirname(home), os.W_OK)  # noqa: PTH112, PTH120
    return f"{home}/kestra-dbt" if usable else _private_cache()


def forget_unused(folder: Path) -> None:
    """Remove what is in a folder and was not used for a week, and what killed ones left half made."""
    import contextlib  # noqa: PLC0415
    import shutil  # noqa: PLC0415
    import time  # noqa: PLC0415

    limit = time.time() - _KEPT_S
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime < limit:
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()


def _private_cache() -> str:
    """Return a cache in the temporary folder, where nobody else may have put something for us to run."""
    import tempfile  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    folder = Path(tempfile.gettempdir()) / f"kestra-dbt-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise NoCacheError(f"{folder} is not private to this user: remove it, or set {CACHE_VARIABLE}.")
    return str(folder)
