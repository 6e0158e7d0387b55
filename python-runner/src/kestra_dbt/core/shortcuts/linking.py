"""How dbt puts the nodes of a project in order."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any


def look_for_cycles_once() -> None:
    """Find out that there is no cycle by sorting the nodes, before one is looked for along each path.

    The search is needed for the cycle's name alone, and takes half of the time in which dbt links thousands of nodes.
    """
    from dbt.compilation import Linker  # noqa: PLC0415 - dbt is imported where it runs alone
    from networkx import is_directed_acyclic_graph  # type: ignore[import-untyped]  # noqa: PLC0415 - dbt's own

    find = Linker.find_cycles

    def find_cycles(linker: Linker) -> Any:  # noqa: ANN401 - as it is
        return None if is_directed_acyclic_graph(linker.graph) else find(linker)  # type: ignore[no-untyped-call]

    Linker.find_cycles = find_cycles  # type: ignore[method-assign]


def leave_out_what_is_beside() -> None:
    """Take what is neither selected nor between selected nodes out of the graph before a queue is made of it.

    It connects nothing, and would be looked for again with each layer of nodes that is taken away.
    """
    from dbt.graph.graph import Graph  # noqa: PLC0415 - dbt is imported where it runs alone

    subset = Graph.get_subset_graph

    @functools.wraps(subset)
    def get_subset_graph(graph: Graph, selected: Iterable[Any]) -> Graph:
        whole, chosen = graph.graph, set(selected)
        kept = chosen | (_reached(whole.succ, chosen) & _reached(whole.pred, chosen))
        trimmed = type(whole)()
        trimmed.add_nodes_from((node, data) for node, data in whole.nodes.items() if node in kept)
        trimmed.add_edges_from(edge for edge in whole.edges(list(trimmed), data=True) if edge[1] in kept)
        return subset(Graph(trimmed), chosen)

    Graph.get_subset_graph = get_subset_graph  # type: ignore[method-assign, assignment]


def _reached(neighbours: Mapping[Any, Iterable[Any]], nodes: Iterable[Any]) -> set[Any]:
    """Return all that can be reached from ``nodes``."""
    reached: set[Any] = set()
    left = [node for node in nodes if node in neighbours]
    while left:
        new = [node for node in neighbours[left.pop()] if node not in reached]
        reached.update(new)
        left += new
    return reached
