"""Which requests can share a process that has their project in memory. Standard library only, and little of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib

from kestra_dbt.wishes import Wishes

PACKED, PARSED = ".p", ".k"
"""How the names of their sockets end: of those for packed projects, which a request waits for, and of those that know
what dbt has parsed, of which there may be none yet."""

_OF_ONE_REQUEST = frozenset({"OUTPUT_DIR", "WORKING_DIR", "PWD", "OLDPWD"})
"""Variables that are different for each request; Kestra sets the first two."""

_HEADER = 30
_BEGIN = 4096


def project_of(wishes: Wishes, env: dict[str, str]) -> str | None:
    """Return the name of the process that has a request's project in memory; None if it has none that can be.

    Requests with one name have the same profiles, secrets and variables, and the same project: as it was packed, or as
    far as its settings tell. So what one knows the other knows too.
    """
    project: list[object] | None = None
    if wishes.pack:
        project, suffix = _of_pack(wishes, wishes.pack), PACKED
    elif wishes.kind == "dbt_command":
        project, suffix = _of_folder(wishes, env), PARSED
    if project is None:
        return None
    variables = {name: value for name, value in env.items() if name not in _OF_ONE_REQUEST}
    parts = json.dumps([project, variables], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()[:16] + suffix


def _of_pack(wishes: Wishes, pack: str) -> list[object] | None:
    found = _id_of(pack)
    return [found, wishes.profiles_dir and os.path.abspath(wishes.profiles_dir)] if found else None  # noqa: PTH100


def _of_folder(wishes: Wishes, env: dict[str, str]) -> list[object] | None:
    """Return what makes dbt parse a project in another way, but for the project's own files."""
    folder = str(wishes.options.get("project_dir") or env.get("DBT_PROJECT_DIR") or ".")
    project = _read(f"{folder}/dbt_project.yml")
    if project is None:
        return None
    given = wishes.profiles_dir or env.get("DBT_PROFILES_DIR")
    profiles = [_read(f"{place}/profiles.yml") for place in ([given] if given else [folder, f"{env.get('HOME')}/.dbt"])]
    options = [wishes.options.get(name) for name in ("profile", "target", "warn_error_options")]
    return [project, profiles, options, wishes.args]


def _read(file: str) -> str | None:
    try:
        with open(file, "rb") as stream:  # noqa: PTH123
            return stream.read().decode("latin-1")
    except OSError:
        return None


def _id_of(pack: str) -> str | None:
    """Return the id of a pack, which is at the begin of its index, its first file; None if it can't be read.

    The index of a large project takes longer to read whole than all else here.
    """
    try:
        with open(pack, "rb") as file:  # noqa: PTH123
            begin = file.read(_BEGIN)
        names = int.from_bytes(begin[26:28], "little") + int.from_bytes(begin[28:30], "little")
        index = zlib.decompressobj(-zlib.MAX_WBITS).decompress(begin[_HEADER + names :], _BEGIN)
    except (OSError, zlib.error):
        return None  # whoever carries it out says what is wrong
    found = re.match(rb'\{"format":\d+,"id":"(\w+)"', index)
    return found[1].decode() if found else None
