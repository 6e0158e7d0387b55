"""What the runner is asked to do when a project becomes a flow whose tasks are its nodes."""

from typing import Any, Literal, TypeAlias

from pydantic import Field

from kestra_dbt.protocol.message import Message
from kestra_dbt.protocol.options import DbtOptions, DbtRequestBase

Granularity: TypeAlias = Literal["model", "folder", "layer", "tag", "package"]
TestPlace: TypeAlias = Literal["inside", "own", "end"]


class FlowOptions(Message):
    """How the flow is cut and named."""

    flow_id: str | None = Field(None, description="Id of the flow; none: the project's name.")
    namespace: str = Field("company.team", description="Of the flow.")
    concurrent: int = Field(4, ge=0, description="Tasks that run at once; 0: no limit.")
    granularity: Granularity = Field("model", description="What one task holds.")
    tests: TestPlace = Field(
        "inside", description="Tests run in the tasks of what they test, in tasks of their own, or in one at the end."
    )
    freshness_gates: bool = Field(False, description="Sources with freshness criteria hold back what reads them.")
    exposures: bool = Field(False, description="Exposures are leaves of the graph.")
    docs_url: str | None = Field(None, description="Where the project's documentation is.")
    settings: dict[str, Any] = Field(
        {}, description="People's own properties, of the parts `flow`, `prepare`, `node` and `collect`."
    )


class GraphFlow(DbtRequestBase):
    """Write the flow of a project, and put it on a Kestra server."""

    kind: Literal["graph_flow"] = "graph_flow"
    manifest: str | None = Field(
        None,
        description="A manifest.json, relative to the working directory, which is taken as a whole; no dbt is needed.",
    )
    options: DbtOptions = Field(
        DbtOptions(), description="dbt's own options about the project, its parsing and the selection."
    )
    args: list[str] = Field([], description="More arguments of `dbt ls`, passed as they are.")
    flow: FlowOptions = Field(FlowOptions(), description="How the flow is cut and named.")
    settings_file: str | None = Field(
        None, description="YAML with what `settings` of `flow` is otherwise, relative to the working directory."
    )
    deploy_to: str | None = Field(None, description="Address of the Kestra server; none: it is only written.")
    tenant: str = Field("main", description="Of the Kestra server.")
