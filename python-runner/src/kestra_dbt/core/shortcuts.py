"""What takes dbt long in a large project, done with the same result in less time."""

import contextlib
import functools
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

_FAST_TEST_EDGES = "DBT_USE_FAST_TEST_EDGES"
"""Makes `build` add an edge from a test to the next models alone, instead of to all that come after: dbt waits for the
same, and needs seconds for it in a project where that takes minutes. An option of dbt, which its second version always
uses."""


def take_shortcuts() -> None:
    """Have dbt in this process take them; where another release of it is built otherwise, it goes its own way."""
    os.environ.setdefault(_FAST_TEST_EDGES, "true")
    _replace()


@functools.cache
def _replace() -> None:
    for shorten in (_look_for_cycles_once, _leave_out_what_is_beside, _encode_json_at_once, _encode_changes_alone):
        with contextlib.suppress(ImportError, AttributeError):
            shorten()


def _look_for_cycles_once() -> None:
    """Find out that there is no cycle by sorting the nodes, before one is looked for along each path.

    The search is needed for the cycle's name alone, and takes half of the time in which dbt links thousands of nodes.
    """
    from dbt.compilation import Linker  # noqa: PLC0415 - dbt is imported where it runs alone
    from networkx import is_directed_acyclic_graph  # type: ignore[import-untyped]  # noqa: PLC0415 - dbt's own

    find = Linker.find_cycles

    def find_cycles(linker: Linker) -> Any:  # noqa: ANN401 - as it is
        return None if is_directed_acyclic_graph(linker.graph) else find(linker)  # type: ignore[no-untyped-call]

    Linker.find_cycles = find_cycles  # type: ignore[method-assign]


def _leave_out_what_is_beside() -> None:
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


def _encode_changes_alone() -> None:
    from kestra_dbt.core.manifest_text import encode_changes_alone  # noqa: PLC0415 - it imports dbt

    encode_changes_alone()


def _encode_json_at_once() -> None:
    """Have artifacts encoded by the fast encoder of Python, which is not used for what is written part by part."""
    from dbt_common.utils.encoding import JSONEncoder  # noqa: PLC0415 - dbt is imported where it runs alone

    encode = json.JSONEncoder.iterencode

    def iterencode(encoder: JSONEncoder, o: object, _one_shot: bool = False) -> Any:  # noqa: ANN401 - as it is
        return encode(encoder, o, True)

    JSONEncoder.iterencode = iterencode  # type: ignore[method-assign, assignment]
