"""The events that webhooks are sent: their bodies, to the byte, and their signature."""

from __future__ import annotations

import hashlib
import hmac

from fake_platform.clock import moment, now
from fake_platform.records import RunRecord
from fake_platform.store import Store
from fake_platform.wire import ERROR, RUNNING, SUCCESS, Subscription, Wire

STATUSES = {RUNNING: "Running", SUCCESS: "Success", ERROR: "Errored"}
ENDED_AT = {"job.run.completed": "runFinishedAt", "job.run.errored": "runErroredAt"}


class EventData(Wire):
    """What happened to which run. Ids are strings."""

    jobId: str = "1"  # noqa: N815 - the platform names them so, here and below
    jobName: str = "Sample job"  # noqa: N815
    runId: str = "1"  # noqa: N815
    environmentId: str = "1"  # noqa: N815
    environmentName: str = "Sample environment"  # noqa: N815
    dbtVersion: str = "latest"  # noqa: N815
    projectName: str = "Sample project"  # noqa: N815
    projectId: str = "1"  # noqa: N815
    runStatus: str = "Success"  # noqa: N815
    runStatusCode: int = SUCCESS  # noqa: N815
    runStatusMessage: str = "None"  # noqa: N815
    runReason: str = "Sample event"  # noqa: N815
    runStartedAt: str  # noqa: N815
    runFinishedAt: str | None = None  # noqa: N815
    runErroredAt: str | None = None  # noqa: N815


class Event(Wire):
    """An event for one subscriber. The id of the account is a number."""

    accountId: int  # noqa: N815
    eventId: str  # noqa: N815
    timestamp: str
    eventType: str  # noqa: N815
    webhookId: str  # noqa: N815
    webhookName: str  # noqa: N815
    data: EventData

    def body(self) -> bytes:
        """The bytes that are signed and sent."""
        return self.model_dump_json(exclude_none=True).encode()


def sign(secret: str, body: bytes) -> str:
    """Return what `Authorization` says of a body: HMAC-SHA256 over the raw bytes, in lowercase hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event_for(store: Store, subscription: Subscription, event_type: str, data: EventData) -> Event:
    """Address what happened to a subscriber."""
    return Event(
        accountId=store.account.id,
        eventId=f"wev_Fake{store.new_id(50_001):010}",
        # Seven digits: more than most parsers take.
        timestamp=f"{moment(now(), store.settings.clock_skew_s):%Y-%m-%dT%H:%M:%S.%f}7Z",
        eventType=event_type,
        webhookId=subscription.id,
        webhookName=subscription.name,
        data=data,
    )


def of_run(store: Store, event_type: str, run: RunRecord) -> EventData:
    """Say what happened to a run."""
    job, project = store.jobs.get(run.job_id), store.projects.get(run.project_id)
    environment = store.environments.get(run.environment_id)
    assert job and project and environment, "these are never taken out of their tables"
    ended = {ENDED_AT[event_type]: whole_seconds(store, run.finished_at)} if event_type in ENDED_AT else {}
    return EventData(
        jobId=str(job.id),
        jobName=job.name,
        runId=str(run.id),
        environmentId=str(environment.id),
        environmentName=environment.name,
        dbtVersion=run.dbt_version,
        projectName=project.name,
        projectId=str(project.id),
        runStatus=STATUSES.get(run.status, "Running"),
        runStatusCode=run.status,
        runStatusMessage=str(run.status_message),
        runReason=run.request.cause,
        runStartedAt=whole_seconds(store, run.started_at),
        **ended,
    )


def of_nothing(store: Store, event_type: str) -> EventData:
    """Say what happened to a run that does not exist, for a test of the receiver."""
    ended = {ENDED_AT[event_type]: whole_seconds(store, None)} if event_type in ENDED_AT else {}
    return EventData(runStartedAt=whole_seconds(store, None), **ended)


def whole_seconds(store: Store, at: float | None) -> str:
    """Write a time without a fraction; now, if there is none."""
    return f"{moment(now() if at is None else at, store.settings.clock_skew_s):%Y-%m-%dT%H:%M:%SZ}"
