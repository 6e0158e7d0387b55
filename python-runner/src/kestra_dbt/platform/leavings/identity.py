"""What tells whether a step wrote a file itself, or an earlier one left it in the target folder."""

import hashlib
import re
from pathlib import Path

_METADATA = 64_000
"""Bytes at the begin of an artifact in which dbt's id of its invocation is, if it has one."""

_ID = re.compile(rb'"invocation_id": *"([^"]+)"')


def identity(file: Path) -> str:
    """Return what is the same for a file that was not written again: the id of its invocation, else its digest."""
    with file.open("rb") as content:
        begin = content.read(_METADATA)
        found = _ID.search(begin)
        if found:
            return found[1].decode("ascii", "replace")
        digest = hashlib.sha256(begin)
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
