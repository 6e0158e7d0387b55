"""What dbt has parsed is kept on this machine, so that the next task parses only what has changed since.

That is dbt's own partial parsing, which compares each file, the variables and the profile with what it parsed. It reads
the folder in which dbt has left its last parse, and a task of an orchestrator begins in an empty one.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from kestra_dbt.cache import cache_folder, forget_unused
from kestra_dbt.core.command_line import CommandLine
from kestra_dbt.terms.commands import parses

_FILE = "partial_parse.msgpack"
_OFF = frozenset({"0", "false", "f", "n", "no", "off"})
_OPTIONS = ("--profile", "--target", "-t", "--vars", "--warn-error-options")
_VARIABLES = ("DBT_PROFILE", "DBT_TARGET", "DBT_VARS", "DBT_WARN_ERROR_OPTIONS")
_ENV_VAR = re.compile(r"env_var\(\s*['\"]([^'\"]+)['\"]")

_SAID_AGAIN = frozenset({"UnusedResourceConfigPath", "NoNodesForSelectionCriteria", "NothingToDo"})
"""Warnings that dbt gives also for what it has not parsed anew."""


class KeptParse:
    """Of one project, as its profile, its target and its variables make it."""

    def __init__(self, kept: Path, target: Path) -> None:
        self._kept = kept
        self._place = target / _FILE
        self._known: tuple[int, int] | None = None

    @classmethod
    def of(cls, arguments: list[str]) -> KeptParse | None:
        """Return that of the project that a command line is for; None if there is to be none.

        Args:
            arguments: of dbt's command line.
        """
        line = CommandLine(arguments)
        project = line.project_dir() / "dbt_project.yml"
        if not parses(line.command()):
            return None
        off = os.environ.get("DBT_PARTIAL_PARSE", "").lower() in _OFF or "--no-partial-parse" in arguments
        if off or line.option("--partial-parse-file-path", variable="DBT_PARTIAL_PARSE_FILE_PATH"):
            return None
        try:
            parts = [importlib.metadata.version("dbt-core"), project.read_text(encoding="utf-8"), *_asked(line)]
            digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
            return cls(cache_folder() / "parsed" / digest, line.target_path())
        except (OSError, UnicodeError, importlib.metadata.PackageNotFoundError):
            return None  # dbt says what is wrong with it

    def bring(self) -> bool:
        """Put it where dbt looks for it; False if there is none, or dbt has its own there."""
        brought = False
        with contextlib.suppress(OSError):
            if not self._place.exists():
                os.utime(self._kept)  # it is in use
                self._place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._kept, self._place)
                brought = True
            self._known = _stamp(self._place)
        return brought

    def keep(self, warnings: Collection[str]) -> None:
        """Keep what dbt has parsed now; not if it warned of it, for it does not again of what it does not parse.

        Args:
            warnings: names of the events by which it warned.
        """
        if not _SAID_AGAIN.issuperset(warnings):
            return
        with contextlib.suppress(OSError):  # it costs the next task some seconds, and this one nothing
            if _stamp(self._place) == self._known and self._kept.exists():
                return
            self._kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            forget_unused(self._kept.parent)
            handle, new = tempfile.mkstemp(prefix=".", dir=self._kept.parent)
            os.close(handle)
            shutil.copyfile(self._place, new)
            Path(new).replace(self._kept)


def _asked(line: CommandLine) -> Iterator[str]:
    """Yield what dbt makes another project of, or another place for it."""
    for option in _OPTIONS:
        yield line.option(option) or ""
    for variable in _VARIABLES:
        yield os.environ.get(variable, "")
    profiles = line.profiles()
    yield profiles
    for variable in sorted(set(_ENV_VAR.findall(profiles))):
        yield os.environ.get(variable, "")


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size
