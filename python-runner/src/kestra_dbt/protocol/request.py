"""What the runner is asked to do: a Request (a JSON file) and its Secrets (an environment variable)."""

import base64
import binascii
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter, field_validator

from kestra_dbt.contract import PROTOCOL_VERSION, SECRETS_VARIABLE
from kestra_dbt.protocol.message import Message
from kestra_dbt.protocol.platform_request import (
    PlatformArtifacts,
    PlatformCancel,
    PlatformFollow,
    PlatformJobs,
    PlatformRetry,
    PlatformRuns,
    PlatformTrigger,
)


class WarnErrorOptions(Message):
    """Which of dbt's warnings fail a run, by the names of its events, such as NoNodesForSelectionCriteria."""

    error: list[str] | Literal["all", "*"] | None = Field(None, description="Warnings that are errors; all: every one.")
    warn: list[str] = Field([], description="Those that stay warnings although `error` means them too.")
    silence: list[str] = Field([], description="Those that are not even told.")
    include: list[str] | Literal["all", "*"] | None = Field(None, description="Older name of `error`.")
    exclude: list[str] = Field([], description="Older name of `warn`.")


class DbtOptions(Message):
    """dbt's own options, each named as its flag: ``full_refresh`` is ``--full-refresh``. One unset is not passed."""

    project_dir: str | None = Field(None, description="Folder with dbt_project.yml, relative to the working directory.")
    profiles_dir: str | None = Field(None, description="Folder with profiles.yml; not with Secrets.profiles.")
    profile: str | None = Field(None, description="Profile to use instead of the project's.")
    target: str | None = Field(None, description="Target of the profile.")
    select: list[str] = Field(
        [], description="Nodes to include, in dbt's selection syntax. Blank entries do not count."
    )
    exclude: list[str] = Field([], description="Nodes to leave out, in dbt's selection syntax.")
    selector: str | None = Field(None, description="Name of a selector of selectors.yml.")
    resource_types: list[str] = Field([], description="Resource types to include, such as model, test, seed.")
    exclude_resource_types: list[str] = Field([], description="Resource types to leave out.")
    indirect_selection: Literal["eager", "cautious", "buildable", "empty"] | None = Field(
        None, description="Which tests a selected node brings along."
    )
    threads: int | None = Field(None, ge=1, description="Nodes run at a time, instead of the profile's.")
    full_refresh: bool | None = Field(None, description="Rebuild incremental models and seeds from nothing.")
    fail_fast: bool | None = Field(None, description="Stop at the first failure.")
    store_failures: bool | None = Field(None, description="Keep the rows of failing tests in the warehouse.")
    empty: bool | None = Field(None, description="Build with no input rows: checks that the SQL runs.")
    event_time_start: str | None = Field(None, description="Begin of the batches of microbatch models, inclusive.")
    event_time_end: str | None = Field(None, description="End of the batches of microbatch models, exclusive.")
    sample: str | None = Field(None, description="Span of event time to build from, as `3 days`, instead of all rows.")
    export_saved_queries: bool | None = Field(None, description="Export the selected saved queries too.")
    show: bool | None = Field(None, description="Log a few rows of what was loaded.")
    state: str | None = Field(None, description="Folder with the artifacts that `state:` compares with.")
    defer: bool | None = Field(None, description="Resolve what is not selected to the relations of `state`.")
    defer_state: str | None = Field(None, description="Folder to defer to instead of `state`.")
    favor_state: bool | None = Field(None, description="Prefer the relations of `state` even where ours exist.")
    warn_error: bool | None = Field(None, description="Treat every warning as an error.")
    warn_error_options: WarnErrorOptions | None = Field(None, description="Treat some warnings as errors.")
    inline: str | None = Field(None, description="SQL with Jinja, instead of a selection.")
    limit: int | None = Field(None, ge=-1, description="Rows to show at most; -1: all.")
    introspect: bool | None = Field(None, description="Whether compiling may query the warehouse.")
    output_keys: list[str] = Field([], description="Fields to list of each node, as `config.materialized`.")
    compile: bool | None = Field(None, description="Compile the nodes before the documentation is written.")
    static: bool | None = Field(None, description="Write the documentation as one page, too.")
    empty_catalog: bool | None = Field(None, description="Leave the columns of the warehouse out of the catalog.")
    upgrade: bool | None = Field(None, description="Bring packages to the newest versions that packages.yml allows.")
    lock: bool | None = Field(None, description="Only write package-lock.yml, install nothing.")
    target_path: str | None = Field(None, description="Folder for artifacts, instead of the project's target path.")
    log_path: str | None = Field(None, description="Folder for dbt.log, instead of the project's.")


class Judgement(Message):
    """What a run that dbt calls good comes to if there was nothing to do, or dbt warned."""

    on_empty: Literal["warn", "fail", "allow"] = Field(
        "warn", description="What a command about nodes comes to that has none, as after a selection without a match."
    )
    warnings: Literal["none", "nodes", "deprecations", "all"] = Field(
        "nodes",
        description="Warnings that make the run one: none; of tests and sources; of these and dbt's deprecations; any.",
    )


class _Request(Message):
    version: str = Field(PROTOCOL_VERSION, description="Version of the contract, major.minor.")
    engine: Literal["AUTO", "CORE", "FUSION"] = Field(
        "AUTO",
        description="CORE: dbt is imported; FUSION: its command is run, and its JSON log read; AUTO: what is possible.",
    )
    dependencies: list[str] = Field(
        [], description="pip requirements for a virtual environment, made if this interpreter has no dbt."
    )
    debug: bool = Field(False, description="Report dbt's debug lines too; dbt.log always has them.")
    judgement: Judgement = Field(Judgement(), description="What counts as a success.")


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


class DbtCommand(_Request):
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


class ShellScript(_Request):
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


DbtRequest: TypeAlias = DbtCommand | ShellScript
"""A request for a dbt that runs here."""

PlatformRequest: TypeAlias = (
    PlatformTrigger | PlatformFollow | PlatformRetry | PlatformCancel | PlatformArtifacts | PlatformJobs | PlatformRuns
)
"""A request for the dbt platform."""

Request: TypeAlias = Annotated[DbtRequest | SetUp | PlatformRequest, Field(discriminator="kind")]
"""Any request; the field ``kind`` tells which."""

RequestAdapter: TypeAdapter[Request] = TypeAdapter(Request)


class Secrets(Message):
    """Whatever a user may have put a password in. Travels in the environment only, never in a file or an argument."""

    version: str = Field(PROTOCOL_VERSION, description="Version of the contract, major.minor.")
    profiles: str | None = Field(None, description="Text of a profiles.yml.")
    vars: dict[str, Any] = Field({}, description="dbt variables.")
    macro_args: dict[str, Any] = Field({}, description="Arguments of the macro of `run-operation`.")
    script: str | None = Field(None, description="The script of a ShellScript.")
    platform_token: str | None = Field(None, description="API token of the dbt platform.")

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
