"""What every request for a dbt that runs here says: dbt's own options, and what counts as a success."""

from typing import Literal

from pydantic import Field

from kestra_dbt.contract import PROTOCOL_VERSION
from kestra_dbt.protocol.message import Message


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


class DbtRequestBase(Message):
    """What every request about dbt nodes says."""

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
