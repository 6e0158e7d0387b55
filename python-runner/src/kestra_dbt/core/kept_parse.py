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

_told_by: Path | None = None

_SEED_ROOT = re.compile(rb"\xa9root_path([\xa0-\xbf]|\xd9.|\xda..)", re.DOTALL)
"""The only place of the machine in what dbt has parsed: a field of MessagePack, with the head of the text after it."""

_SAID_AGAIN = frozenset({"UnusedResourceConfigPath", "NoNodesForSelectionCriteria", "NothingToDo"})
"""Warnings that dbt gives also for what it has not parsed anew."""


def tell_by(file: Path) -> None:
    """Have this process and its forks link a kept parse to ``file`` if dbt goes on from it and finds no change."""
    global _told_by  # noqa: PLW0603 - a process does one request
    _told_by = file


class KeptParse:
    """Of one project, as its profile, its target and its variables make it."""

    def __init__(self, kept: Path, project: Path, target: Path) -> None:
        self._kept = kept
        self._project = project
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
            return cls(cache_folder() / "parsed" / digest, line.project_dir(), line.target_path())
        except (OSError, UnicodeError, importlib.metadata.PackageNotFoundError):
            return None  # dbt says what is wrong with it

    def bring(self) -> bool:
        """Put it where dbt looks for it, if there is one; False if there is none, or dbt has one of its own there."""
        brought = False
        with contextlib.suppress(OSError):
            if not self._place.exists():
                os.utime(self._kept)  # it is in use
                root, _, content = self._kept.read_bytes().partition(b"\n")
                self._place.parent.mkdir(parents=True, exist_ok=True)
                self._place.write_bytes(moved(content, root, os.fsencode(self._project.resolve())))
                brought = True
            self._known = _stamp(self._place)
        return brought

    def withdraw(self) -> None:
        """Take it away: dbt can't go on from it, as the files are now."""
        for file in (self._place, self._kept):
            with contextlib.suppress(OSError):
                file.unlink()
        self._known = None

    def keep(self, warnings: Collection[str], root: str | None) -> None:
        """Keep what dbt has parsed now; not if it warned of it, for it does not again of what it does not parse.

        Args:
            warnings: names of the events by which it warned.
            root: folder of the project, as dbt names it; None: it has not come so far.
        """
        if root is None or not _SAID_AGAIN.issuperset(warnings):
            return
        with contextlib.suppress(OSError):  # it costs the next task some seconds, and this one nothing
            if _stamp(self._place) == self._known and self._kept.exists():
                if _told_by:
                    os.link(self._kept, _told_by)
                return
            self._kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            forget_unused(self._kept.parent)
            with tempfile.TemporaryDirectory(
                prefix=".", dir=self._kept.parent
            ) as half:  # gone, should the disk be full
                new = Path(half, _FILE)
                new.touch(mode=0o600)
                new.write_bytes(os.fsencode(root) + b"\n" + self._place.read_bytes())
                new.replace(self._kept)


def moved(parsed: bytes, old: bytes, new: bytes) -> bytes:
    """Return what dbt has parsed with the project's folder in place of the one before, where its seeds were."""
    import msgpack  # type: ignore[import-untyped]  # noqa: PLC0415 - dbt brings it along

    parts, at = [], 0
    for found in _SEED_ROOT.finditer(parsed):
        size = found[1][0] & 31 if len(found[1]) == 1 else int.from_bytes(found[1][1:], "big")
        end = found.end() + size
        root = parsed[found.end() : end]
        if root == old or root.startswith(old + b"/"):  # of a package
            parts += [parsed[at : found.start(1)], msgpack.packb(os.fsdecode(new + root[len(old) :]))]
            at = end
    return b"".join([*parts, parsed[at:]])


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
