"""What depends on what among the nodes of a run, from the manifests that it left."""

import contextlib
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kestra_dbt.terms.edges import parents_in

_NOT_DRAWN = ("test.", "unit_test.", "operation.")
"""What begins so is no node of the lineage: tests are shown at what they test."""

Parents = Mapping[str, Sequence[str]]
"""What each node depends on, by ids."""


@dataclass
class Lineage:
    """Edges between places: first those of the nodes of the run, then those of others."""

    others: list[str] = field(default_factory=list)
    """Nodes that were not part of the run, and that one of it reads, or that lie between two of it."""
    edges: list[tuple[int, int]] = field(default_factory=list)


def parents_of(manifests: Iterable[Path]) -> Parents:
    """Return what the nodes in these files depend on; of a file that cannot be read, nothing."""
    found: dict[str, list[str]] = {}
    for manifest in manifests:
        with contextlib.suppress(OSError, ValueError):  # a picture of it is not worth a failure
            found.update(parents_in(manifest))
    return found


def lineage_of(ids: Sequence[str], parents: Parents) -> Lineage:
    """Return what is to be drawn of the nodes of a run; places are those in ``ids``, the last one of each."""
    places = {unique_id: place for place, unique_id in enumerate(ids) if not unique_id.startswith(_NOT_DRAWN)}
    run, below = frozenset(places), _below(places, parents)
    lineage = Lineage()
    waiting = deque(run)
    while waiting:
        node = waiting.popleft()
        for above in parents.get(node, ()):
            if above not in places and (node in run or above in below):
                places[above] = len(ids) + len(lineage.others)
                lineage.others.append(above)
                waiting.append(above)
            if above in run or node in run or above in below:
                lineage.edges.append((places[above], places[node]))
    return lineage


def _below(run: Iterable[str], parents: Parents) -> set[str]:
    """Return all that depends on a node of the run, directly or not."""
    children = defaultdict(list)
    for node, above in parents.items():
        for one in above:
            children[one].append(node)
    found: set[str] = set()
    waiting = deque(run)
    while waiting:
        new = [child for child in children[waiting.popleft()] if child not in found]
        found.update(new)
        waiting.extend(new)
    return found
