"""What the runner reports while it works: one Event a line."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from kestra_dbt.contract import PROTOCOL_VERSION


class Outcome(str, Enum):
    """What a dbt status means to an orchestrator, whatever the resource type."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Level(str, Enum):
    """Severity of a log line."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class _Event(BaseModel):
    # Readers ignore what they do not know: a newer runner may add fields within the same major version.
    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str = Field(PROTOCOL_VERSION, description="Version of the contract, major.minor.")
    kind: str = Field(description="What this event tells; early in the line, so that it can be read without decoding.")


class _OfInvocation(_Event):
    invocation: int = Field(ge=1, description="Which dbt invocation of this run, counted from 1.")


class InvocationStarted(_OfInvocation):
    """A dbt invocation began."""

    kind: Literal["invocation_started"] = "invocation_started"
    command: str = Field(description="dbt command with its subcommand, as `docs generate`.")
    at: datetime = Field(description="When it began.")
    dbt_version: str = Field(description="Version of dbt-core.")
    log_path: str | None = Field(None, description="Folder of dbt.log, absolute.")
    selection: str | None = Field(None, description="Its selection, as the arguments say it.")
    invocation_id: str | None = Field(None, description="dbt's own id of it, which its artifacts have too.")
    writes_results: bool = Field(True, description="False if dbt is told to write no artifacts (`--no-write-json`).")


class ProjectLoaded(_OfInvocation):
    """dbt read the project and the profile."""

    kind: Literal["project_loaded"] = "project_loaded"
    project: str = Field(description="Name of the dbt project.")
    target: str = Field(description="Target of the profile.")
    adapter: str = Field(description="Adapter type, such as duckdb.")
    target_path: str = Field(description="Folder of the artifacts, absolute.")
    results_path: str | None = Field(None, description="File of the results if it is named otherwise, absolute.")


class _OfNode(_OfInvocation):
    unique_id: str = Field(description="dbt's id of the node, as `model.shop.orders`.")
    label: str = Field(max_length=120, description="Short name for people; letters, digits, dot, dash, underscore.")
    resource_type: str = Field(description="model, test, seed, snapshot, unit_test, operation, ...")
    parent: str | None = Field(None, description="unique_id of the node it is shown under: what a test tests.")
    index: int | None = Field(None, description="Position among the nodes of the invocation, from 1.")
    total: int | None = Field(None, description="Number of nodes of the invocation.")


class NodeStarted(_OfNode):
    """dbt took up a node."""

    kind: Literal["node_started"] = "node_started"
    at: datetime = Field(description="When a thread took it up.")


class NodeFinished(_OfNode):
    """dbt is done with a node, one way or another."""

    kind: Literal["node_finished"] = "node_finished"
    outcome: Outcome = Field(description="What the status means.")
    status: str = Field(description="dbt's own word: success, pass, error, fail, warn, skipped, no-op, ...")
    message: str | None = Field(None, description="dbt's message; cut when long, dbt.log has the whole.")
    rows_affected: int | None = Field(None, description="Rows written, where the adapter tells.")
    failures: int | None = Field(None, description="Rows that failed a test.")
    queued_at: datetime = Field(description="When all it depends on was done.")
    started_at: datetime = Field(description="When a thread took it up.")
    compiled_at: datetime | None = Field(None, description="When its SQL was compiled and its execution began.")
    finished_at: datetime = Field(description="When it ended.")
    execution_s: float | None = Field(None, description="dbt's own execution time, in seconds.")
    thread: str | None = Field(None, description="dbt's thread.")
    relation: str | None = Field(None, description="Relation in the warehouse, quoted as the adapter does.")
    path: str | None = Field(None, description="File that defines it, relative to the project.")
    query: str | None = Field(
        None,
        description="What shows the rows that failed a test: `select * from` the table that has them, or the path of "
        "the test's SQL in target.zip.",
    )


class Relation(BaseModel):
    """A table or view of the warehouse."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    database: str | None = Field(None, description="Database, catalog or project, where the warehouse has such.")
    schema_name: str | None = Field(None, description="Schema or dataset.")
    table: str = Field(description="Name of the table or view.")


class Lineage(_OfInvocation):
    """A node wrote its relation; follows its NodeFinished. Several where it reads many."""

    kind: Literal["lineage"] = "lineage"
    unique_id: str = Field(description="dbt's id of the node.")
    resource_type: str = Field(description="model, seed or snapshot.")
    relation: Relation = Field(description="What it wrote.")
    reads: list[Relation] = Field([], description="What it read, or a part of that.")


class Log(_OfInvocation):
    """A line of dbt's log."""

    kind: Literal["log"] = "log"
    level: Level = Field(description="Severity.")
    at: datetime = Field(description="When dbt wrote it.")
    message: str = Field(description="The text, without colours; cut when long, dbt.log has the whole.")
    unique_id: str | None = Field(None, description="Node it belongs to; none: the invocation itself.")


class InvocationFinished(_OfInvocation):
    """A dbt invocation ended."""

    kind: Literal["invocation_finished"] = "invocation_finished"
    exit_code: int = Field(description="dbt's: 0 success, 1 a node failed, 2 dbt itself did.")
    at: datetime = Field(description="When it ended.")
    warnings: dict[str, int] = Field(
        {}, description="How often dbt itself warned, by the name of the event; how nodes ended is left out."
    )


class Artifact(_Event):
    """A file to keep, in the output folder."""

    kind: Literal["artifact"] = "artifact"
    name: str = Field(description="Name users look it up by, as run_results.json or 2-test/run_results.json.")
    file: str = Field(description="Path in the output folder; never leaves it.")
    bytes: int = Field(ge=0, description="Size.")
    rows: int | None = Field(None, ge=0, description="Rows of a table that is the result of a command, as of `show`.")


class Metric(_Event):
    """A figure to keep."""

    kind: Literal["metric"] = "metric"
    type: Literal["counter", "timer"] = Field(description="counter: a number; timer: seconds.")
    name: str = Field(max_length=60, description="Dotted name.")
    value: float = Field(description="Count, or seconds.")
    tags: dict[str, str] = Field({}, description="Few and short.")


class Link(_Event):
    """An address for people, as of a page of the dbt platform."""

    kind: Literal["link"] = "link"
    name: str = Field(max_length=60, description="What it leads to, as `run`, `job`, `docs` or `step 4`.")
    url: str = Field(description="The address; http or https.")


class PlatformRun(_Event):
    """A run on the dbt platform, as it is now; the last one counts."""

    kind: Literal["platform_run"] = "platform_run"
    id: int = Field(description="Its id.")
    status: str = Field(
        description="queued, starting, running, success, error or cancelled; else the platform's number."
    )
    ended: bool = Field(description="Whether it is over.")
    details: dict[str, JsonValue] = Field({}, description="More about it, as names, times and who caused it; short.")


class Promotion(_Event):
    """The state that later runs compare with is replaced by this run, if it ends well; or why it stays."""

    kind: Literal["promotion"] = "promotion"
    project: str = Field(description="Name of the project whose state it is.")
    target: str = Field(description="Name of the target.")
    branch: str = Field(description="Branch of the git clone that the project was in.")
    obstacle: str | None = Field(
        None, description="Why the state stays as it is, for a sentence; none: it is replaced."
    )


class FlowWritten(_Event):
    """The flow of a project was written, and put on a Kestra server if that was asked for."""

    kind: Literal["flow_written"] = "flow_written"
    namespace: str = Field(description="Of the flow.")
    flow_id: str = Field(description="Id of the flow.")
    tasks: int = Field(ge=0, description="Tasks of the graph.")
    deployed: Literal["created", "updated", "unchanged"] | None = Field(
        None, description="What became of the flow on the server; none: it was only written."
    )


class FailureCode(str, Enum):
    """What kind of thing went wrong."""

    REQUEST = "request"
    """The request cannot be carried out as it is written."""
    ENVIRONMENT = "environment"
    """dbt, an adapter or a requirement is missing."""
    PROJECT = "project"
    """The project or the profile cannot be read."""
    NODES = "nodes"
    """dbt ran, and nodes failed."""
    EMPTY = "empty"
    """There was no node to work on, which the request does not allow."""
    SCRIPT = "script"
    """The user's script ended with an error."""
    PLATFORM = "platform"
    """The dbt platform refused, could not be reached, or its run failed without a failed node."""
    KILLED = "killed"
    """The run was told to stop, or its process was killed."""
    INTERNAL = "internal"
    """dbt or this runner has a fault."""


class Failure(_Event):
    """Why the run failed. The last one before Ended counts."""

    kind: Literal["failure"] = "failure"
    code: FailureCode = Field(description="What kind of thing went wrong.")
    sentence: str = Field(description="What was wrong, where, and what to do: one sentence.")
    detail: str | None = Field(None, description="What dbt or the system said about it; cut when long.")


class Summary(BaseModel):
    """A run in figures."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    nodes: int = Field(0, description="Nodes reported.")
    success: int = Field(0, description="Nodes that ended well.")
    warning: int = Field(0, description="Nodes that ended with a warning.")
    failed: int = Field(0, description="Nodes that failed.")
    skipped: int = Field(0, description="Nodes not run because of another's failure.")
    rows_affected: int = Field(0, description="Rows written, as far as adapters tell.")
    invocations: int = Field(0, description="dbt invocations.")
    seconds: float = Field(0, description="Duration of the whole run.")


class Ended(_Event):
    """The run is over; the last event. A run without it died."""

    kind: Literal["ended"] = "ended"
    outcome: Outcome = Field(description="success, warning or failed.")
    exit_code: int = Field(description="Of the dbt command or the script.")
    reason: str | None = Field(None, description="Why it ended with a warning: one sentence.")
    summary: Summary = Field(description="The run in figures.")


Event: TypeAlias = Annotated[
    InvocationStarted
    | ProjectLoaded
    | NodeStarted
    | NodeFinished
    | Lineage
    | Log
    | InvocationFinished
    | Artifact
    | Metric
    | Link
    | PlatformRun
    | Promotion
    | FlowWritten
    | Failure
    | Ended,
    Field(discriminator="kind"),
]
"""Any event; the field ``kind`` tells which. A reader skips kinds it does not know."""

EventAdapter: TypeAdapter[Event] = TypeAdapter(Event)
