"""Accounts, jobs and what starts runs: Admin API v2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_platform.artifacts import find
from fake_platform.fake import Fake
from fake_platform.lists import listed, number, related
from fake_platform.plan import why_no_retry
from fake_platform.records import RunRecord
from fake_platform.replies import artifact_reply, run_reply
from fake_platform.routing import ApiError, Reply, Request, Routes, enveloped
from fake_platform.store import Store
from fake_platform.views import run_view
from fake_platform.wire import DELETED, Job, JobFields, TriggerRequest

V2 = "/api/v2/accounts/{account_id}"
FULL_RUN = TriggerRequest(cause="Job rerun from the API")
FILTERS = {
    "project_id",
    "project_id__in",
    "environment_id",
    "name__icontains",
    "dbt_version__in",
    "triggers_schedule",
    "is_system",
    "pk",
}
ORDERS = {"id", "name", "created_at", "updated_at"}

routes = Routes()


@routes("GET", "/api/v2/accounts/")
def list_accounts(fake: Fake, request: Request) -> Reply:
    """Answer with the accounts that the token opens."""
    accounts = [fake.store.account.model_dump()]
    return listed(request, accounts, filters={"pk"}, orders={"id"}, state="1")


@routes("GET", V2 + "/")
def get_account(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Answer with one account."""
    return enveloped(fake.store.account)


@routes("GET", V2 + "/jobs/")
def list_jobs(fake: Fake, request: Request) -> Reply:
    """Answer with jobs; unless asked, active ones that people made."""
    query = {"is_system": ["false"], **request.query}
    jobs = [job_view(fake.store, job, related(request)) for job in fake.store.jobs]
    asked = Request(**{**vars(request), "query": query})
    return listed(asked, jobs, filters=FILTERS, orders=ORDERS, state="1")


@routes("POST", V2 + "/jobs/")
def create_job(fake: Fake, request: Request) -> Reply:
    """Create a job."""
    return enveloped(fake.add_job(request.read(JobFields)), 201)


@routes("GET", V2 + "/jobs/{job_id}/")
def get_job(fake: Fake, request: Request, job_id: int) -> Reply:
    """Answer with one job."""
    return enveloped(job_view(fake.store, fake.job(job_id), related(request)))


@routes("POST", V2 + "/jobs/{job_id}/")
def update_job(fake: Fake, request: Request, job_id: int) -> Reply:
    """Replace a job as a whole."""
    job = fake.job(job_id)
    return enveloped(fake.put_job(job.id, request.read(JobFields), job.created_at))


@routes("DELETE", V2 + "/jobs/{job_id}/")
def delete_job(fake: Fake, request: Request, job_id: int) -> Reply:  # noqa: ARG001
    """Mark a job as deleted; its runs stay."""
    job = fake.store.jobs.change(fake.job(job_id).id, state=DELETED)
    code = fake.store.settings.delete_code
    return enveloped(job) if code == 200 else Reply(code)


@routes("POST", V2 + "/jobs/{job_id}/run/")
def trigger(fake: Fake, request: Request, job_id: int) -> Reply:
    """Start a run."""
    return run_reply(fake, fake.executor.trigger(fake.job(job_id), request.read(TriggerRequest)))


@routes("POST", V2 + "/jobs/{job_id}/rerun/")
def rerun(fake: Fake, request: Request, job_id: int) -> Reply:  # noqa: ARG001
    """Go on where the job's latest run failed; else start a full run, without any overrides."""
    job = fake.job(job_id)
    latest = max((run for run in runs_of(fake, job)), key=lambda run: run.id, default=None)
    if latest and why_no_retry(fake.store, latest) is None:
        return run_reply(fake, fake.executor.trigger(job, latest.request, retried=latest))
    return run_reply(fake, fake.executor.trigger(job, FULL_RUN))


@routes("GET", V2 + "/jobs/{job_id}/artifacts/{name:path}")
def latest_artifact(fake: Fake, request: Request, job_id: int, name: str) -> Reply:
    """Answer with a file of the newest run of the job that has it."""
    step = number(request, "step", 0) or None
    for run in sorted(runs_of(fake, fake.job(job_id)), key=lambda run: -run.id):
        if artifact := find(fake.store, run, name, step):
            return artifact_reply(artifact)
    raise ApiError(404)


def runs_of(fake: Fake, job: Job) -> list[RunRecord]:
    """All runs of a job that are there."""
    return [run for run in fake.store.runs if run.job_id == job.id and not run.deleted]


def job_view(store: Store, job: Job, asked: set[str]) -> dict[str, Any]:
    """Show a job, with the objects that were asked for."""
    runs = sorted((run for run in store.runs if run.job_id == job.id and not run.deleted), key=lambda run: run.id)
    completed = [run for run in runs if run.ended]
    shown: dict[str, Callable[[], object]] = {
        "environment": lambda: store.environments.get(job.environment_id),
        "custom_environment_variables": list,
        "most_recent_run": lambda: run_view(store, runs[-1], set()) if runs else None,
        "most_recent_completed_run": lambda: run_view(store, completed[-1], set()) if completed else None,
        "fusion_readiness": lambda: None,
    }
    return {**job.model_dump(), **{name: show() if name in asked else None for name, show in shown.items()}}
