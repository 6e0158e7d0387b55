"""What the runner is asked to do with a part of a project that was packed, and with the results of all parts."""

from typing import Literal

from pydantic import Field

from kestra_dbt.protocol.message import Message
from kestra_dbt.protocol.options import DbtOptions, DbtRequestBase


class OwnState(Message):
    """Whose state it is that later runs compare with."""

    project: str = Field(description="Name of the project.")
    target: str = Field(description="Name of the target.")
    branch: str = Field(description="Branch of the git clone that the project is in.")


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


class GraphCollect(DbtRequestBase):
    """Make one run of the results of all parts. Only the documentation needs a dbt."""

    kind: Literal["graph_collect"] = "graph_collect"
    pack: str = Field(description="The pack, relative to the working directory.")
    parts: list[PartResults] = Field([], description="In the order in which they ended.")
    nodes: list[str] = Field(
        [],
        description="dbt's ids of all nodes of the graph; none: those with a result, and what depends on failed ones.",
    )
    exclude: list[str] = Field(
        [],
        description="dbt's ids of nodes that the graph leaves out on purpose: it is of the whole project nevertheless.",
    )
    generate_docs: bool = Field(False, description="If no node failed, write the documentation too.")
