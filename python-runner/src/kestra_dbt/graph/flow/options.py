"""What people can choose of a flow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GRANULARITIES = ("model", "folder", "layer", "tag", "package")
TESTS = ("inside", "own", "end")


@dataclass(frozen=True)
class Options:
    """How the flow is cut and named.

    Args:
        flow_id: of the flow; none: the project's name.
        namespace: of the flow.
        concurrent: tasks that run at once; 0: no limit.
        granularity: what one task holds.
        tests: where tests go: into the tasks of what they test, into tasks of their own, or into one at the end.
        gates: whether sources with freshness criteria hold back what reads them.
        exposures: whether exposures are leaves of the graph.
        docs_url: where the project's documentation is.
        settings: properties of people's own, for the parts `flow`, `prepare`, `node` and `collect`.
    """

    flow_id: str | None = None
    namespace: str = "company.team"
    concurrent: int = 4
    granularity: str = "model"
    tests: str = "inside"
    gates: bool = False
    exposures: bool = False
    docs_url: str | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
