"""Which requests can share a process that has their project in memory. Standard library only, and little of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib

from kestra_dbt.wishes import Wishes

PROJECT_SUFFIX = ".p"
"""How the names of their sockets end."""

_OF_ONE_REQUEST = frozenset({"OUTPUT_DIR", "WORKING_DIR", "PWD", "OLDPWD"})
"""Variables that are different for each request; Kestra sets the first two."""

_HEADER = 30
_BEGIN = 4096


def project_of(wishes: Wishes, env: dict[str, str]) -> str | None:
    """Return the name of the process that has a request's project in memory; None if it has none that can be.

    Requests with one name have the same project, as it was parsed, and the same profiles, secrets and variables: so
    what one knows the other knows too.
    """
    project = _id_of(wishes.pack) if wishes.pack else None
    if project is None:
        return None
    variables = {name: value for name, value in env.items() if name not in _OF_ONE_REQUEST}
    profiles = wishes.profiles_dir and os.path.abspath(wishes.profiles_dir)  # noqa: PTH100
    parts = [project, profiles, variables]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16] + PROJECT_SUFFIX


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
