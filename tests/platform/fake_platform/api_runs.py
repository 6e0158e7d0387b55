"""Runs, their steps and artifacts, cancel and retry: Admin API v2."""

from __future__ import annotations

from fake_platform.api_jobs import V2
from fake_platform.artifacts import find, names
from fake_platform.fake import Fake
from fake_platform.lists import listed, number, related
from fake_platform.plan import failed_step, why_no_retry
from fake_platform.replies import artifact_reply, run_reply
from fake_platform.routing import ApiError, Reply, Request, Routes, enveloped
from fake_platform.views import run_view, step_view

FILTERS = {
    "job_definition_id",
    "project_id",
    "project_id__in",
    "environment_id",
    "status",
    "status__in",
    "created_at__range",
    "finished_at__range",
    "id__gt",
    "pk",
    "pk__in",
    "deferring_run_id",
    "dbt_version",
    "dbt_version__in",
    "has_docs_generated",
    "has_sources_generated",
}
ORDERS = {"id", "created_at", "finished_at"}

routes = Routes()


@routes("GET", V2 + "/runs/")
def list_runs(fake: Fake, request: Request) -> Reply:
    """Answer with runs, the oldest first unless asked, without their steps."""
    asked = related(request)
    runs = [run_view(fake.store, run, asked, listed=True) for run in fake.store.runs if not run.deleted]
    return listed(request, [run.model_dump() for run in runs], filters=FILTERS, orders=ORDERS, state="all")


@routes("GET", V2 + "/runs/{run_id}/")
def get_run(fake: Fake, request: Request, run_id: int) -> Reply:
    """Answer with one run."""
    return run_reply(fake, fake.run(run_id), related(request))


@routes("GET", V2 + "/steps/{step_id}/")
def get_step(fake: Fake, request: Request, step_id: int) -> Reply:
    """Answer with one step, its log as far as it has come."""
    step = fake.store.steps.get(step_id)
    if step is None or fake.run(step.run_id).deleted:
        raise ApiError(404)
    return enveloped(step_view(fake.store, step, whole_debug="debug_logs" in related(request)))


@routes("GET", V2 + "/runs/{run_id}/artifacts/")
def list_artifacts(fake: Fake, request: Request, run_id: int) -> Reply:  # noqa: ARG001
    """Answer with the paths of a run's artifacts."""
    return enveloped(names(fake.store, fake.run(run_id)))


@routes("GET", V2 + "/runs/{run_id}/artifacts/{name:path}")
def get_artifact(fake: Fake, request: Request, run_id: int, name: str) -> Reply:
    """Answer with a file: of the step that is asked for, else of the last one that left files."""
    artifact = find(fake.store, fake.run(run_id), name, number(request, "step", 0) or None)
    if artifact is None:
        raise ApiError(404, f"The artifact {name} was not found.")
    return artifact_reply(artifact)


@routes("POST", V2 + "/runs/{run_id}/cancel/")
def cancel(fake: Fake, request: Request, run_id: int) -> Reply:  # noqa: ARG001
    """Cancel a run. One that has ended stays as it is, and is answered as the settings say."""
    run = fake.run(run_id)
    code = fake.store.settings.cancel_finished_code
    if run.ended and code != 200:
        raise ApiError(code, f"The run has ended and cannot be cancelled: {run.id}.")
    return run_reply(fake, run if run.ended else fake.executor.cancel(run.id))


@routes("POST", V2 + "/runs/{run_id}/retry/")
def retry(fake: Fake, request: Request, run_id: int) -> Reply:  # noqa: ARG001
    """Start a new run that goes on where this one failed."""
    run = fake.run(run_id)
    with fake.store.lock:
        if reason := why_no_retry(fake.store, run):
            raise ApiError(400, f"The run cannot be retried: {reason}.")
        return run_reply(fake, fake.executor.trigger(fake.job(run.job_id), run.request, retried=run))


@routes("GET", V2 + "/runs/{run_id}/retry/")
def what_would_be_retried(fake: Fake, request: Request, run_id: int) -> Reply:  # noqa: ARG001
    """Say from which step a retry would go on; nothing is started."""
    run = fake.run(run_id)
    failed = failed_step(fake.store, run)
    if failed is None:
        raise ApiError(400, "The run has no failed step.")
    skipped = [step.name for step in run.plan[failed.index :]]
    return enveloped({"failed_step": failed.planned.name, "skipped_steps": skipped})
