"""What depends on what, by unique_id, from a manifest of which nothing else is read.

A whole manifest can take seconds, and more memory than is left.
"""

import json
import mmap
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KEY = b'"parent_map"'


@dataclass(frozen=True)
class Edges:
    """The edges of a project, in both directions."""

    parents: Mapping[str, Sequence[str]]
    children: Mapping[str, Sequence[str]]


def edges_of(manifest: Path) -> Edges:
    """Return them.

    Raises:
        OSError: the file is not there.
        ValueError: it has none, or is not whole.
    """
    parents = parents_in(manifest)
    children = defaultdict(list)
    for name, above in parents.items():
        for one in above:
            children[one].append(name)
    return Edges(parents, dict(children))


def parents_in(manifest: Path) -> dict[str, list[str]]:
    """Return what each node depends on. Raises as ``edges_of``."""
    with manifest.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        begin = content.find(b"{", content.rfind(_KEY))
        read = json.loads(content[begin : content.find(b"}", begin) + 1])
    return {name: above for name, above in read.items() if isinstance(above, list)}
