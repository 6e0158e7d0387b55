"""Which nodes share a task: by a key, and so that no two tasks wait for each other."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import PurePosixPath

from kestra_dbt.graph.flow.manifest import Node

Key = tuple[str, ...]
Edges = Mapping[str, Iterable[str]]


def key_of(node: Node, granularity: str) -> Key:
    """Return what nodes of one task have in common; its parts, joined from the first or from a later one, name it."""
    folder = PurePosixPath(node.path).parent.parts or ("root",)
    keys: dict[str, Key] = {
        "folder": (node.package, *folder),
        "layer": (node.package, *folder[:2]),
        "tag": ("tag", node.tags[0] if node.tags else "untagged"),
        "package": ("package", node.package),
    }
    return keys.get(granularity, (node.package, node.resource_type, node.unique_id))


def group(items: Sequence[str], keys: Mapping[str, Key], near: Edges) -> tuple[dict[str, Key], list[Key]]:
    """Give each item the key of its group, with a number behind it: more than 1 where the group had to be split.

    Groups of one key whose members wait for others that wait for them again are split by how often the way to a member
    changes its group: along each edge between two groups this number grows, so that no cycle is left.

    Args:
        items: in the order of dependencies.
        keys: of each item.
        near: items that each one depends on.

    Returns:
        The group of each item, and the keys that were split.
    """
    edges: dict[Key, set[Key]] = {key: set() for key in keys.values()}
    for item in items:
        edges[keys[item]].update(keys[parent] for parent in near[item])
    knot = _knots(edges)
    depths: dict[str, int] = {}
    for item in items:
        key = keys[item]
        inside = [parent for parent in near[item] if knot[keys[parent]] == knot[key]]
        depths[item] = max((depths[parent] + (keys[parent] != key) for parent in inside), default=0)
    found: dict[Key, set[int]] = {}
    for item in items:
        found.setdefault(keys[item], set()).add(depths[item])
    numbers = {(key, depth): number for key in found for number, depth in enumerate(sorted(found[key]), 1)}
    split = sorted(key for key, depths_of_key in found.items() if len(depths_of_key) > 1)
    return {item: (*keys[item], str(numbers[keys[item], depths[item]])) for item in items}, split


def _knots(edges: Mapping[Key, set[Key]]) -> dict[Key, int]:
    """Number the strongly connected components (Kosaraju's way, without recursion)."""
    backwards: dict[Key, list[Key]] = {key: [] for key in edges}
    for key, targets in edges.items():
        for target in targets:
            backwards[target].append(key)
    ended: list[Key] = []
    seen: set[Key] = set()
    for start in sorted(edges):
        stack = [(start, iter(sorted(edges[start])))] if start not in seen else []
        seen.add(start)
        while stack:
            key, rest = stack[-1]
            target = next((target for target in rest if target not in seen), ())
            if not target:
                ended.append(key)
                stack.pop()
            else:
                seen.add(target)
                stack.append((target, iter(sorted(edges[target]))))
    knot: dict[Key, int] = {}
    for number, start in enumerate(reversed(ended)):
        reached = [start] if start not in knot else []
        while reached:
            key = reached.pop()
            if key not in knot:
                knot[key] = number
                reached += backwards[key]
    return knot


def positions(edges: Mapping[Key, set[Key]]) -> dict[Key, tuple[int, Key]]:
    """Return an order of what has no cycles, in which each comes after all that it depends on.

    It depends on what is above each alone, so that it stays when the project grows elsewhere.
    """
    levels: dict[Key, int] = {}
    for key in TopologicalSorter(edges).static_order():
        levels[key] = 1 + max((levels[target] for target in edges[key]), default=0)
    return {key: (level, key) for key, level in levels.items()}
