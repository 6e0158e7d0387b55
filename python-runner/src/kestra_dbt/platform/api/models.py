"""What the platform tells, read leniently: what is not known is ignored, and no field for people fails a run."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WrapValidator

T = TypeVar("T")


def _or_none(value: object, validate: Callable[[object], T]) -> T | None:
    try:
        return validate(value)
    except ValidationError:
        return None


def _or_text(value: object) -> object:
    return value if value is None or isinstance(value, str) else str(value)


def _text_or_none(value: object, validate: Callable[[object], T]) -> T | None:
    return _or_none(_or_text(value), validate)


def _or_empty(value: object, validate: Callable[[object], Any]) -> list[Any]:
    """Return a list of what can be read of it; none if there is no list."""
    if not isinstance(value, list):
        return []
    return [one for item in value for one in (_or_none([item], validate) or [])]


Text = Annotated[str | None, WrapValidator(_text_or_none)]
Number = Annotated[int | None, WrapValidator(_or_none)]
Flag = Annotated[bool | None, WrapValidator(_or_none)]
Texts = Annotated[list[str], WrapValidator(_or_empty)]

_UNKNOWN = -1


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Step(_Told):
    """A step of a run."""

    index: int = Field(description="From 1, setup steps included.")
    id: Number = None
    name: Text = None
    status: Number = None
    started_at: Text = None
    finished_at: Text = None
    duration: Text = None
    logs: Text = None
    debug_logs: Text = None
    truncated_debug_logs: Text = None


class Trigger(_Told):
    """What started a run."""

    cause: Text = None
    job_definition_id: Number = None


class Named(_Told):
    """A project or an environment, as far as it is for people."""

    id: Number = None
    name: Text = None


class Run(_Told):
    """A run."""

    id: int
    status: int = _UNKNOWN
    status_humanized: Text = None
    status_message: Text = None
    job_definition_id: Number = None
    job_id: Number = None
    project_id: Number = None
    environment_id: Number = None
    dbt_version: Text = None
    git_branch: Text = None
    git_sha: Text = None
    created_at: Text = None
    started_at: Text = None
    finished_at: Text = None
    duration: Text = None
    queued_duration: Text = None
    run_duration: Text = None
    href: Text = None
    has_docs_generated: Flag = None
    artifacts_saved: Flag = None
    can_retry: Flag = None
    retry_not_supported_reason: Text = None
    retrying_run_id: Number = None
    trigger: Annotated[Trigger | None, WrapValidator(_or_none)] = None
    job: Annotated[Named | None, WrapValidator(_or_none)] = None
    environment: Annotated[Named | None, WrapValidator(_or_none)] = None
    run_steps: Annotated[list[Step], WrapValidator(_or_empty)] = []

    @property
    def of_job(self) -> int | None:
        """The id of its job, whichever way it is told."""
        return self.job_definition_id or self.job_id

    @property
    def cause(self) -> str:
        """Why it was started; empty unless it was asked for."""
        return (self.trigger and self.trigger.cause) or ""


class Settings(_Told):
    """Settings of a job."""

    threads: Number = None
    target_name: Text = None


class Schedule(_Told):
    """When a job runs."""

    cron: Text = None


class Triggers(_Told):
    """What starts a job."""

    schedule: Flag = None


class Job(_Told):
    """A job."""

    id: int
    name: Text = None
    project_id: Number = None
    environment_id: Number = None
    job_type: Text = None
    dbt_version: Text = None
    execute_steps: Texts = []
    generate_docs: Flag = None
    created_at: Text = None
    updated_at: Text = None
    environment: Annotated[Named | None, WrapValidator(_or_none)] = None
    settings: Annotated[Settings | None, WrapValidator(_or_none)] = None
    schedule: Annotated[Schedule | None, WrapValidator(_or_none)] = None
    triggers: Annotated[Triggers | None, WrapValidator(_or_none)] = None
    most_recent_run: Annotated[Run | None, WrapValidator(_or_none)] = None


class Subscription(_Told):
    """A webhook subscription."""

    id: str
    name: Text = None
    client_url: Text = None
    event_types: Texts = []
    job_ids: Annotated[list[Annotated[str, Field(coerce_numbers_to_str=True)]], WrapValidator(_or_empty)] = []
    active: Flag = None
    http_status_code: Text = None
    hmac_secret: Text = Field(None, repr=False, description="Only of one that was just created.")


def read(model: type[BaseModel], data: Any) -> Any | None:  # noqa: ANN401 - JSON
    """Return ``data`` as ``model``; None if even what has to be there is not."""
    try:
        return model.model_validate(data)
    except ValidationError:
        return None
