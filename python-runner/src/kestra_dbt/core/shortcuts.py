"""What takes dbt long in a large project, done with the same result in less time."""

import contextlib
import functools
import json
import os
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
    for shorten in (_look_for_cycles_once, _encode_json_at_once):
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


def _encode_json_at_once() -> None:
    """Have artifacts encoded by the fast encoder of Python, which is not used for what is written part by part."""
    from dbt_common.utils.encoding import JSONEncoder  # noqa: PLC0415 - dbt is imported where it runs alone

    encode = json.JSONEncoder.iterencode

    def iterencode(encoder: JSONEncoder, o: object, _one_shot: bool = False) -> Any:  # noqa: ANN401 - as it is
        return encode(encoder, o, True)

    JSONEncoder.iterencode = iterencode  # type: ignore[method-assign, assignment]
