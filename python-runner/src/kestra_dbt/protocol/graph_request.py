"""What the runner is asked to do with a part of a project that was packed, and with the results of all parts."""

from typing import Literal

from pydantic import Field

from kestra_dbt.contract import PROTOCOL_VERSION
from kestra_dbt.protocol.message import Message
from kestra_dbt.protocol.options import DbtOptions, DbtRequestBase, Judgement


class GraphNode(DbtRequestBase):
    """Run some nodes of a packed project."""

    kind: Literal["graph_node"] = "graph_node"
    pack: str = Field(description="The pack, relative to the working directory.")
    nodes: list[str] = Field(min_length=1, description="dbt's ids of the nodes to run, tests and sources too.")
    options: DbtOptions = Field(
        DbtOptions(), description="dbt's own options but those about the project, its parsing and selection."
    )
    args: list[str] = Field([], description="More arguments of `dbt build`, passed as they are.")


class PartResults(Message):
    """What a task of the graph left."""

    task: str = Field(description="Id of the task.")
    files: list[str] = Field([], description="Its run_results.json, sources.json, relative to the working directory.")


class GraphCollect(Message):
    """Make one run of the results of all parts."""

    version: str = Field(PROTOCOL_VERSION, description="Version of the contract, major.minor.")
    kind: Literal["graph_collect"] = "graph_collect"
    debug: bool = Field(False, description="As of other requests; there is nothing more to tell.")
    judgement: Judgement = Field(Judgement(), description="What counts as a success.")
    pack: str = Field(description="The pack, relative to the working directory.")
    parts: list[PartResults] = Field([], description="In the order in which they ended.")
    nodes: list[str] = Field(
        [],
        description="dbt's ids of all nodes of the graph; none: those with a result, and what depends on failed ones.",
    )
