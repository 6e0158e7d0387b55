"""What the platform's API takes and gives, as its specification says. Unknown fields of a request are passed over."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

QUEUED, STARTING, RUNNING, SUCCESS, ERROR, CANCELLED = 1, 2, 3, 10, 20, 30
STATUS_NAMES = {
    QUEUED: "Queued",
    STARTING: "Starting",
    RUNNING: "Running",
    SUCCESS: "Success",
    ERROR: "Error",
    CANCELLED: "Cancelled",
}
ENDED = {SUCCESS, ERROR, CANCELLED}
ACTIVE, DELETED = 1, 2


class Wire(BaseModel):
    """One message or object; never changed, but replaced."""

    model_config = ConfigDict(frozen=True)


class Account(Wire):
    """Who owns all the rest."""

    id: int
    name: str = "Acme"
    plan: str = "enterprise"
    state: int = ACTIVE
    run_slots: int = 5
    queue_limit: int = 50
    run_duration_limit_seconds: int = 86400
    locked: bool = False
    identifier: str = "act_Example"
    static_subdomain: str = "ab123"
    vanity_subdomain: str | None = None


class Project(Wire):
    """A dbt project of the account."""

    id: int
    account_id: int
    name: str
    description: str | None = None
    connection_id: int | None = None
    repository_id: int | None = None
    docs_job_id: int | None = None
    freshness_job_id: int | None = None
    state: int = ACTIVE
    created_at: str
    updated_at: str


class Environment(Wire):
    """Where jobs run."""

    id: int
    account_id: int
    project_id: int
    name: str
    type: str = "deployment"
    deployment_type: str | None = "production"
    dbt_version: str = "latest"
    connection_id: int | None = None
    credentials_id: int | None = None
    use_custom_branch: bool = False
    custom_branch: str | None = None
    state: int = ACTIVE


class Connection(Wire):
    """A warehouse; secrets of it are never returned."""

    id: int
    account_id: int
    name: str
    adapter_version: str = "duckdb_v0"
    state: int = ACTIVE


class JobSettings(Wire):
    """How dbt is called."""

    threads: int = 4
    target_name: str = "default"


class JobExecution(Wire):
    """Limits of a run."""

    timeout_seconds: int = 0


class JobTriggers(Wire):
    """What starts a job besides the API."""

    github_webhook: bool = False
    git_provider_webhook: bool = False
    schedule: bool = False
    on_merge: bool = False


class JobFields(Wire):
    """What a client may say of a job, at its creation and at every update."""

    project_id: int
    environment_id: int
    name: str = Field(min_length=1)
    execute_steps: list[str] = Field(min_length=1)
    dbt_version: str | None = None
    settings: JobSettings = JobSettings()
    execution: JobExecution = JobExecution()
    triggers: JobTriggers = JobTriggers()
    schedule: dict[str, Any] | None = None
    generate_docs: bool = False
    run_generate_sources: bool = False
    deferring_environment_id: int | None = None
    job_completion_trigger_condition: dict[str, Any] | None = None
    state: int = ACTIVE


class Job(JobFields):
    """A job as the API returns it. `related` objects are added where they are asked for."""

    id: int
    account_id: int
    job_type: str
    is_system: bool = False
    created_at: str
    updated_at: str


class TriggerRequest(Wire):
    """The body of a trigger. Nulls count as unset, as clients send them, though the specification has none."""

    cause: str = Field(min_length=1)
    git_sha: str | None = Field(None, min_length=1)
    git_branch: str | None = Field(None, min_length=1)
    schema_override: str | None = Field(None, min_length=1)
    dbt_version_override: str | None = Field(None, min_length=1)
    threads_override: int | None = None
    target_name_override: str | None = Field(None, min_length=1)
    generate_docs_override: bool | None = None
    timeout_seconds_override: int | None = None
    steps_override: list[str] | None = None
    github_pull_request_id: int | None = None
    gitlab_merge_request_id: int | None = None
    azure_pull_request_id: int | None = None
    non_native_pull_request_id: int | None = None


EventType = Literal["job.run.started", "job.run.completed", "job.run.errored"]


class SubscriptionFields(Wire):
    """What a client says of a webhook subscription."""

    name: str = Field(min_length=1)
    client_url: str = Field(pattern="^https?://")
    event_types: list[EventType] = Field(min_length=1)
    active: bool
    job_ids: list[int] = []
    description: str | None = None


class Subscription(Wire):
    """A webhook subscription: ids are strings here, and times microseconds since the epoch, as strings too."""

    id: str
    account_id: str
    account_identifier: str
    name: str
    client_url: str
    event_types: list[EventType]
    job_ids: list[str]
    active: bool
    description: str | None
    created_at: str
    updated_at: str
    http_status_code: str = "0"
    hmac_secret: str

    def wants(self, job_id: int) -> bool:
        """Whether it is about a job; without jobs, it is about all."""
        return not self.job_ids or str(job_id) in self.job_ids


class Step(Wire):
    """A step of a run."""

    id: int
    run_id: int
    account_id: int
    index: int
    name: str
    status: int
    status_humanized: str
    status_color: str
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    duration: str
    duration_humanized: str
    logs: str | None
    debug_logs: str | None
    truncated_debug_logs: str | None
    log_path: str | None = None
    debug_log_path: str | None = None


class Run(Wire):
    """A run; related objects are null, and `run_steps` empty, unless they are asked for."""

    id: int
    trigger_id: int
    account_id: int
    environment_id: int
    project_id: int
    job_definition_id: int
    job_id: int
    status: int
    status_humanized: str
    status_message: str | None
    in_progress: bool
    is_running: bool
    is_complete: bool
    is_success: bool
    is_error: bool
    is_cancelled: bool
    dbt_version: str
    git_branch: str
    git_sha: str | None
    blocked_by: list[int] = []
    artifacts_saved: bool
    artifact_s3_path: str | None = None
    has_docs_generated: bool
    has_sources_generated: bool
    created_at: str | None
    updated_at: str | None
    dequeued_at: str | None
    started_at: str | None
    finished_at: str | None
    duration: str
    duration_humanized: str
    queued_duration: str
    queued_duration_humanized: str
    run_duration: str
    run_duration_humanized: str
    can_retry: bool
    retry_not_supported_reason: str | None
    retrying_run_id: int | None
    deferring_run_id: int | None = None
    trigger: dict[str, Any] | None = None
    job: Job | None = None
    environment: Environment | None = None
    repository: None = None
    run_steps: list[Step] = []
    href: str
