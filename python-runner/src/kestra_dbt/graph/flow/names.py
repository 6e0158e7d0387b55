"""Ids that Kestra takes, from any names."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

LONGEST = 80
RESERVED = frozenset({"prepare", "dbt", "collect"})
"""Ids of the flow's other tasks."""

T = TypeVar("T")


def valid(name: str) -> str:
    """Return ``name`` with nothing that Kestra's ids may not have, and no longer than they should be."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", plain).lstrip("_-") or f"node_{digest(name)}"
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 9]}_{digest(name)}"


def digest(text: str) -> str:
    """Return a few signs that stand for ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def distinct(candidates: Mapping[T, Sequence[str]]) -> dict[T, str]:
    """Give each its first name that no other has; those that clash all get longer ones, at last one with a hash.

    So a name does not depend on the order, and changes only when another one like it comes or goes.
    """
    ways = {key: [*map(valid, names), _hashed(names[-1])] for key, names in candidates.items()}
    level = dict.fromkeys(ways, 0)
    while True:
        names = {key: found[level[key]] for key, found in ways.items()}
        count = Counter(name.lower() for name in names.values())
        count.update(RESERVED)
        clashing = [key for key in names if count[names[key].lower()] > 1 and level[key] < len(ways[key]) - 1]
        if not clashing:
            return names
        for key in clashing:
            level[key] += 1


def _hashed(name: str) -> str:
    return f"{valid(name)[: LONGEST - 9]}_{digest(name)}"
