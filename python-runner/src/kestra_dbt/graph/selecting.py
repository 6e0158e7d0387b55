"""Which dbt commands run a list of nodes, exactly these."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kestra_dbt.errors import RequestError
from kestra_dbt.graph.index import Index

_TESTS = frozenset({"test", "unit_test"})
_BUILT = frozenset({"model", "seed", "snapshot", "function", "exposure", "saved_query"})
_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Step:
    """A dbt command and the nodes that it is to run."""

    command: list[str]
    nodes: list[str]


def known(nodes: Iterable[str], index: Index) -> list[str]:
    """Return those of ``nodes`` that dbt runs, each once: all but ephemeral models.

    Raises:
        RequestError: one is not in the project, or is nothing that can be run.
    """
    wanted = list(dict.fromkeys(nodes))
    gone = [node for node in wanted if node not in index.nodes]
    if gone:
        raise RequestError(
            f"`nodes` names {_named(gone)}, which the project {index.project} does not have (any more): write the flow "
            "anew from the project."
        )
    runnable = _TESTS | _BUILT | {"source", "ephemeral"}
    never = [node for node in wanted if index.nodes[node] not in runnable]
    if never:
        raise RequestError(f"`nodes` names {_named(never)}, which dbt does not run: leave it out.")
    return [node for node in wanted if index.nodes[node] != "ephemeral"]


def steps(nodes: list[str], index: Index, tested: Mapping[str, str]) -> list[Step]:
    """Return the commands, in their order: sources, then tests of models that are elsewhere, then the rest.

    Args:
        nodes: what to run.
        index: of the pack.
        tested: the model of each unit test. `dbt build` runs a unit test with its model alone.
    """
    sources = [node for node in nodes if index.nodes[node] == "source"]
    built = [node for node in nodes if index.nodes[node] in _BUILT]
    tests = [node for node in nodes if index.nodes[node] in _TESTS]
    alone = [node for node in tests if not built or (index.nodes[node] == "unit_test" and tested[node] not in built)]
    found = [
        Step(["source", "freshness"], sources),
        Step(["test"], alone),
        Step(["build"], [*built, *(node for node in tests if node not in alone)]),
    ]
    return [step for step in found if step.nodes]


def _named(nodes: list[str]) -> str:
    named = ", ".join(nodes[:_NAMED_AT_MOST])
    return f"{named} and {len(nodes) - _NAMED_AT_MOST} more" if len(nodes) > _NAMED_AT_MOST else named
