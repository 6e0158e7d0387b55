"""What the runner is asked to do on the dbt platform (dbt Cloud)."""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from kestra_dbt.contract import PROTOCOL_VERSION
from kestra_dbt.protocol.message import Message

RunStatus = Literal["queued", "starting", "running", "success", "error", "cancelled"]
"""The platform's own words for where a run is, in lower case."""


class JobReference(Message):
    """A job: by its id, or by names that lead to exactly one."""

    id: int | None = Field(None, description="Id of the job; the names are not looked at then.")
    name: str | None = Field(None, description="Name of the job, whole.")
    project: str | None = Field(None, description="Name or id of the project it is in.")
    environment: str | None = Field(None, description="Name or id of the environment it is in.")


class Overrides(Message):
    """What a run does differently from its job; what is unset is as the job says. Named as in the platform's API."""

    git_sha: str | None = Field(None, description="Commit to check out.")
    git_branch: str | None = Field(None, description="Branch to check out.")
    schema_override: str | None = Field(None, description="Schema to write to.")
    dbt_version_override: str | None = Field(None, description="dbt version, as `latest`.")
    threads_override: int | None = Field(None, ge=1, description="Threads.")
    target_name_override: str | None = Field(None, description="`target.name` in the project.")
    generate_docs_override: bool | None = Field(None, description="Whether the documentation is written.")
    timeout_seconds_override: int | None = Field(None, ge=0, description="Seconds after which the platform cancels.")
    steps_override: list[str] = Field([], description="dbt commands instead of the job's.")
    github_pull_request_id: int | None = Field(None, description="Pull request; makes it a CI run.")
    gitlab_merge_request_id: int | None = Field(None, description="Merge request; makes it a CI run.")
    azure_pull_request_id: int | None = Field(None, description="Pull request; makes it a CI run.")
    non_native_pull_request_id: int | None = Field(None, description="Pull request of another git server.")


class Following(Message):
    """How a run is followed, and what is kept of it."""

    poll_s: float = Field(10.0, ge=0.1, description="Seconds between two looks at the run.")
    max_duration_s: float | None = Field(
        None, gt=0, description="Seconds from now after which the wait is given up, which fails it; none: never."
    )
    on_kill: Literal["cancel", "leave"] | None = Field(
        None,
        description="What becomes of the run when the wait is stopped or given up; none: a run that the request "
        "started is cancelled, one that it only looks at is left.",
    )
    compiled: bool = Field(False, description="Keep compiled and executed SQL too, as target.zip.")
    tolerant: bool = Field(False, description="A run that failed or was cancelled is a warning, not a failure.")


class _PlatformRequest(Message):
    version: str = Field(PROTOCOL_VERSION, description="Version of the contract, major.minor.")
    host: str = Field(
        "cloud.getdbt.com",
        min_length=1,
        description="Access URL of the account: a host, with or without https://, a trailing slash or /api.",
    )
    account_id: int = Field(ge=1, description="Id of the account.")
    dependencies: list[str] = Field(
        [], description="pip requirements for a virtual environment, beside what the runner needs for the platform."
    )
    debug: bool = Field(False, description="Report each call of the API, and dbt's debug lines.")


class PlatformTrigger(_PlatformRequest):
    """Start a run of a job, exactly once: one that an earlier attempt started is adopted."""

    kind: Literal["platform_trigger"] = "platform_trigger"
    job: JobReference = Field(description="The job to run.")
    cause: str | None = Field(None, description="Why, for people; the token and the link follow it.")
    overrides: Overrides = Field(Overrides(), description="What is to be different from the job.")
    token: str = Field(
        min_length=8,
        max_length=200,
        pattern=r"^\S+$",
        description="Identity of what wants the run, the same over all attempts; it goes into the cause.",
    )
    link: str | None = Field(None, description="Address of the execution, for people who look at the run.")
    reported: list[int] = Field(
        [], description="Runs with this token whose end was reported by earlier attempts: they are not adopted."
    )
    on_retry: Literal["resume", "restart"] = Field(
        "resume",
        description="After a run with this token failed and was reported. resume: retry it from its failure, where the "
        "platform can; restart: begin anew.",
    )
    no_wait: bool = Field(False, description="Only start the run; else it is followed to its end.")
    following: Following = Field(Following(), description="How it is followed.")


class PlatformFollow(_PlatformRequest):
    """Look at a run, and follow it to its end."""

    kind: Literal["platform_follow"] = "platform_follow"
    run_id: int | None = Field(None, ge=1, description="The run.")
    job_id: int | None = Field(None, ge=1, description="The job whose latest successful run is meant.")
    environment_id: int | None = Field(None, ge=1, description="The environment whose latest successful run is meant.")
    no_wait: bool = Field(False, description="Only tell how it is now; else it is followed to its end.")
    following: Following = Field(Following(), description="How it is followed.")

    @model_validator(mode="after")
    def _one_is_named(self) -> Self:
        if [self.run_id, self.job_id, self.environment_id].count(None) != 2:  # noqa: PLR2004 - all but one
            raise ValueError("one of run_id, job_id and environment_id has to be set, and no other")
        return self


class PlatformRetry(_PlatformRequest):
    """Retry a failed run from its failure, exactly once: a retry that an earlier attempt started is adopted."""

    kind: Literal["platform_retry"] = "platform_retry"
    run_id: int = Field(ge=1, description="The run that failed.")
    no_wait: bool = Field(False, description="Only start the new run; else it is followed to its end.")
    reported: list[int] = Field([], description="Retries whose end was reported by earlier attempts: not adopted.")
    following: Following = Field(Following(), description="How the new run is followed.")


class PlatformCancel(_PlatformRequest):
    """Cancel a run; one that has ended already is left as it is."""

    kind: Literal["platform_cancel"] = "platform_cancel"
    run_id: int = Field(ge=1, description="The run.")
    no_wait: bool = Field(False, description="Only ask for it; else wait until it is cancelled.")
    following: Following = Field(Following(), description="How it is waited for.")


class PlatformArtifacts(_PlatformRequest):
    """Bring artifacts of a run, or of a job's latest run."""

    kind: Literal["platform_artifacts"] = "platform_artifacts"
    run_id: int | None = Field(None, ge=1, description="The run.")
    job: JobReference | None = Field(None, description="The job whose latest finished run is meant; without `run_id`.")
    step: str | None = Field(
        None, description="Only of this step: its number as the platform counts, or a part of its name, as `dbt build`."
    )
    patterns: list[str] = Field(
        [], description="Glob patterns of paths below target/, as `compiled/**/*.sql`. None: dbt's own artifacts."
    )


class PlatformJobs(_PlatformRequest):
    """List jobs, as the table jobs.ion."""

    kind: Literal["platform_jobs"] = "platform_jobs"
    project: str | None = Field(None, description="Only of this project: its name or id.")
    environment: str | None = Field(None, description="Only of this environment: its name or id.")
    name: str | None = Field(None, description="Only those whose name contains this, whatever the case.")
    limit: int | None = Field(None, ge=1, description="Jobs at most; none: all.")


class PlatformRuns(_PlatformRequest):
    """List runs, newest first, as the table runs.ion."""

    kind: Literal["platform_runs"] = "platform_runs"
    job: JobReference | None = Field(None, description="Only of this job.")
    project: str | None = Field(None, description="Only of this project: its name or id.")
    environment: str | None = Field(None, description="Only of this environment: its name or id.")
    statuses: list[RunStatus] = Field([], description="Only those in one of these; none: all.")
    finished_after: str | None = Field(
        None, description="Only those that finished at this time (ISO 8601) or later; the oldest come first then."
    )
    limit: int | None = Field(100, ge=1, description="Runs at most; none: all.")
