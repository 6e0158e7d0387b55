"""What the runner is asked to do: a Request (a JSON file) and its Secrets (an environment variable)."""

import base64
import binascii
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter, field_validator

from kestra_dbt.contract import PROTOCOL_VERSION, SECRETS_VARIABLE
from kestra_dbt.protocol.flow_request import GraphFlow
from kestra_dbt.protocol.graph_request import GraphCollect, GraphNode, OwnState
from kestra_dbt.protocol.message import Message
from kestra_dbt.protocol.options import DbtOptions, DbtRequestBase
from kestra_dbt.protocol.platform_request import (
    PlatformArtifacts,
    PlatformCancel,
    PlatformFollow,
    PlatformJobs,
    PlatformRetry,
    PlatformRuns,
    PlatformTrigger,
)


class Resume(Message):
    """Earlier attempts at the same command, which failed or were stopped."""

    after: str = Field(description="The last of them, in words for people.")
    results: list[str] = Field(
        min_length=1, description="Their run_results.json, relative to the working directory, in the order of time."
    )


class RetryNodes(Message):
    """Retry nodes that failed for a reason that may pass, within the run."""

    attempts: int = Field(2, ge=1, description="Retries at most.")
    backoff_s: float = Field(10.0, ge=0, description="Seconds before the first retry; each further one waits twice.")
    reasons: list[Literal["connection", "lock", "timeout", "quota"]] = Field(
        ["connection", "lock", "timeout", "quota"], min_length=1, description="What may pass, told by the message."
    )


class DbtCommand(DbtRequestBase):
    """Run one dbt command in process."""

    kind: Literal["dbt_command"] = "dbt_command"
    command: list[str] = Field(
        min_length=1,
        description='dbt command with its subcommand, as ["build"], or its macro, as ["run-operation", "x"].',
    )
    options: DbtOptions = Field(DbtOptions(), description="dbt's own options.")
    args: list[str] = Field([], description="More arguments, passed to dbt as they are, after the options.")
    generate_docs: bool = Field(
        False, description="After a success, also write the documentation, as catalog.json and one static page."
    )
    empty_states: list[str] = Field(
        [], description="Folders named by `state` or `defer_state` that are made here, as of a project without nodes."
    )
    retry_nodes: RetryNodes | None = Field(None, description="Retry nodes within the run; none: never.")
    resume: Resume | None = Field(None, description="Leave out what earlier attempts did, as `dbt retry` does.")
    pack: bool = Field(
        False,
        description="Of `parse`: bring the packages first, and pack the project with what was parsed, as the artifact "
        "pack.zip. `state` and `defer_state` are for the tasks that use it.",
    )
    own_state: OwnState | None = Field(
        None, description="Of a pack: the state that is replaced once all of the project was run."
    )


class ShellScript(DbtRequestBase):
    """Run a shell script (Secrets.script) in which every ``dbt`` is reported as a DbtCommand would be."""

    kind: Literal["shell_script"] = "shell_script"
    interpreter: list[str] = Field(["/bin/sh", "-c"], min_length=1, description="Program that runs the script.")
    project_dir: str | None = Field(None, description="DBT_PROJECT_DIR for each dbt of the script.")


class SetUp(Message):
    """Make a virtual environment in the working directory, its commands in `bin`, and Secrets.profiles beside it."""

    version: str = Field(PROTOCOL_VERSION, description="Version of the contract, major.minor.")
    kind: Literal["set_up"] = "set_up"
    requirements: list[str] = Field([], description="pip requirements; none: no environment.")
    debug: bool = Field(False, description="As of other requests; there is nothing more to tell.")


DbtRequest: TypeAlias = DbtCommand | ShellScript | GraphNode | GraphFlow
"""A request for a dbt that runs here."""

PlatformRequest: TypeAlias = (
    PlatformTrigger | PlatformFollow | PlatformRetry | PlatformCancel | PlatformArtifacts | PlatformJobs | PlatformRuns
)
"""A request for the dbt platform."""

Request: TypeAlias = Annotated[DbtRequest | GraphCollect | SetUp | PlatformRequest, Field(discriminator="kind")]
"""Any request; the field ``kind`` tells which."""

RequestAdapter: TypeAdapter[Request] = TypeAdapter(Request)


class KestraLogin(Message):
    """What lets us into the API of a Kestra server: a token, or a user with a password."""

    token: str | None = Field(None, description="API token; it comes before the user.")
    user: str | None = Field(None, description="User of basic authentication.")
    password: str | None = Field(None, description="Of the user.")


class Secrets(Message):
    """Whatever a user may have put a password in. Travels in the environment only, never in a file or an argument."""

    version: str = Field(PROTOCOL_VERSION, description="Version of the contract, major.minor.")
    profiles: str | None = Field(None, description="Text of a profiles.yml.")
    vars: dict[str, Any] = Field({}, description="dbt variables.")
    macro_args: dict[str, Any] = Field({}, description="Arguments of the macro of `run-operation`.")
    script: str | None = Field(None, description="The script of a ShellScript.")
    platform_token: str | None = Field(None, description="API token of the dbt platform.")
    kestra: KestraLogin | None = Field(None, description="For the server that a flow is put on.")

    @field_validator("profiles", "script", "platform_token")
    @classmethod
    def _blank_is_none(cls, text: str | None) -> str | None:
        return text if text and text.strip() else None

    @classmethod
    def from_environment(cls, encoded: str | None) -> "Secrets":
        """Decode the value of ``KESTRA_DBT_SECRETS``; no value is no secrets."""
        if not encoded:
            return cls()
        try:
            return cls.model_validate_json(base64.b64decode(encoded, validate=True))
        except binascii.Error as error:
            raise ValueError(f"{SECRETS_VARIABLE} is not base64") from error

    def to_environment(self) -> str:
        """Encode for ``KESTRA_DBT_SECRETS``."""
        return base64.b64encode(self.model_dump_json(exclude_defaults=True).encode()).decode()
