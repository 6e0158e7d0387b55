"""What the fake knows besides the platform's own objects: runs and steps as they are carried out, and its settings."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from fake_platform.wire import ENDED, QUEUED, TriggerRequest

Mode = Literal["dbt", "recorded", "scripted"]


class Record(BaseModel):
    """A piece of state; never changed, but replaced, so that a reader needs no lock."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScriptedStatus(Record):
    """A status that a scripted run has for a while. The last one of a script stays."""

    status: int
    seconds: float = 0


class Behaviour(Record):
    """How the runs of a job are carried out."""

    mode: Mode = "dbt"
    """dbt: run it, each time. recorded: run it once for all runs that are alike, and replay. scripted: run nothing."""
    step_s: float = 0
    """Of a replay: seconds that each step takes; its log grows meanwhile."""
    script: tuple[ScriptedStatus, ...] = ()
    """Of a scripted run. Run slots do not hold it up, and unknown codes may occur."""
    extra_artifacts: int = 0
    """So many small files are in the artifacts of each dbt step, below compiled/generated."""
    manifest_bytes: int = 0
    """If not 0, manifest.json is a generated one of exactly this size (at least 1,000)."""


class Settings(Record):
    """The fake's switches. Times are in seconds."""

    token_valid: bool = True
    """Whether the token still opens anything."""
    run_slots: int = 5
    """0 keeps every new run in the queue."""
    starting_s: float = 0
    """How long a run is Starting."""
    cancel_s: float = 0
    """How long a running run still goes on after it was cancelled, besides the time that dbt takes to stop."""
    artifacts_delay_s: float = 0
    """From the end of a run until it has artifacts."""
    large_ids: bool = False
    """Whether new ids are as wide as those of cell accounts (7e13)."""
    durations_in_seconds: bool = False
    """Whether durations are `10.0` instead of `00:00:10`."""
    clock_skew_s: float = 0
    """How far the fake's clock goes ahead of this machine's."""
    cancel_finished_code: int = 400
    """What cancelling a finished run is answered with; 200 returns the run as it is."""
    delete_code: Literal[200, 204] = 200
    """What the deletion of a job is answered with."""
    list_extra: bool = True
    """Whether lists say in `extra` how long they are; old ones do not."""
    webhook_timeout_s: float = 10
    webhook_retries: int = 5
    webhook_backoff_s: float = 0.2
    """Before the first new attempt; each further one waits twice as long."""
    webhook_signature: Literal["right", "wrong", "missing"] = "right"
    webhook_copies: int = 1
    """How often each event is delivered; more than 1 repeats its eventId."""


class PlannedStep(Record):
    """A step that a run has to take."""

    name: str
    kind: Literal["clone", "profile", "dbt"]
    command: str = ""
    decides: bool = True
    """Whether its failure fails the run: not that of a docs or a freshness step."""


class StepRecord(Record):
    """A step that was begun."""

    id: int
    run_id: int
    index: int
    planned: PlannedStep
    status: int
    folder: str
    """Has log.txt, dbt.log (debug) and artifacts/. In a replay it is the recording's, shared by many runs."""
    replay_s: float | None = None
    """Of a replay: how long it takes to show the whole log."""
    started_at: float
    finished_at: float | None = None


class RunRecord(Record):
    """A run, its times by this machine's clock."""

    id: int
    trigger_id: int
    job_id: int
    project_id: int
    environment_id: int
    request: TriggerRequest
    behaviour: Behaviour
    plan: tuple[PlannedStep, ...]
    status: int = QUEUED
    status_message: str | None = None
    dbt_version: str
    git_sha: str | None = None
    step_ids: tuple[int, ...] = ()
    workspace: str | None = None
    """Where it ran; a retry goes on from there."""
    retrying_run_id: int | None = None
    artifacts_saved: bool = False
    deleted: bool = False
    """By somebody else: the API does not know it any more."""
    created_at: float
    updated_at: float
    dequeued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether its status is a last one."""
        return self.status in ENDED


class Attempt(Record):
    """A try to deliver an event."""

    at: float
    status: int | None = None
    """What it was answered with; None, if there was no answer."""
    answer: str = ""
    error: str | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has it now."""
        return self.status is not None and 200 <= self.status < 300


class Delivery(Record):
    """An event for one subscriber."""

    id: str
    subscription_id: str
    event_type: str
    at: float
    body: str
    attempts: tuple[Attempt, ...] = ()


class Received(Record):
    """A request that came in, and what it was answered with."""

    id: int
    at: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Without Authorization."""
    token_ok: bool
    body: str
    """The first 4,000 characters."""
    answered: int | None = None
    """The HTTP status; None while there is none, and for a connection that was reset."""
    fault: int | None = None
    """The id of the fault that it met."""
