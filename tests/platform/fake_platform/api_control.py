"""How tests steer and inspect the fake, over HTTP like all the rest: /_fake/. No token is needed here."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from fake_platform.fake import Fake
from fake_platform.faults import Fault
from fake_platform.records import Behaviour, RunRecord
from fake_platform.routing import ApiError, Reply, Request, Routes, as_json

routes = Routes()


class NewProject(BaseModel):
    """A folder with a dbt project, for jobs to clone."""

    name: str
    folder: Path


@routes("GET", "/_fake/")
def describe(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Say what there is to begin with."""
    return as_json(beginnings(fake))


@routes("GET", "/_fake/settings")
def get_settings(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Answer with the switches."""
    return as_json(fake.store.settings)


@routes("POST", "/_fake/settings")
def change_settings(fake: Fake, request: Request) -> Reply:
    """Change those switches that the body names."""
    try:
        settings = fake.store.change_settings(**json.loads(request.body))
    except ValueError as error:
        raise ApiError(400, str(error)) from error
    fake.executor.fill_slots()
    return as_json(settings)


@routes("POST", "/_fake/projects")
def add_project(fake: Fake, request: Request) -> Reply:
    """Add a project with an environment."""
    new = request.read(NewProject)
    if not (new.folder / "dbt_project.yml").is_file():
        raise ApiError(400, f"{new.folder} has no dbt_project.yml")
    project, environment = fake.store.add_project(new.name, new.folder)
    return as_json({"project_id": project.id, "environment_id": environment.id})


@routes("POST", "/_fake/behaviour")
def behave(fake: Fake, request: Request) -> Reply:
    """Say how runs of all jobs are carried out of which nothing else was said."""
    return as_json(fake.store.behaviours.put("all", request.read(Behaviour)))


@routes("POST", "/_fake/jobs/{job_id}/behaviour")
def job_behave(fake: Fake, request: Request, job_id: int) -> Reply:
    """Say how new runs of a job are carried out."""
    return as_json(fake.store.behaviours.put(fake.job(job_id).id, request.read(Behaviour)))


@routes("GET", "/_fake/runs")
def runs(fake: Fake, request: Request) -> Reply:
    """Answer with all runs that were ever started, deleted ones too; `job_id` chooses those of a job."""
    job_id = request.one("job_id")
    return as_json([run_told(run) for run in fake.store.runs if job_id in (None, str(run.job_id))])


@routes("POST", "/_fake/runs/{run_id}/cancel")
def cancel(fake: Fake, request: Request, run_id: int) -> Reply:  # noqa: ARG001
    """Cancel a run as somebody else would."""
    return as_json(run_told(fake.executor.cancel(fake.run(run_id).id)))


@routes("POST", "/_fake/runs/{run_id}/delete")
def delete(fake: Fake, request: Request, run_id: int) -> Reply:  # noqa: ARG001
    """Delete a run as somebody else would: the API does not know it any more."""
    return as_json(run_told(fake.store.change_run(fake.run(run_id).id, deleted=True)))


@routes("GET", "/_fake/deliveries")
def deliveries(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Answer with all events that were sent to webhooks, with each attempt."""
    return as_json(list(fake.store.deliveries))


@routes("GET", "/_fake/requests")
def requests(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Answer with all requests to the API, in their order."""
    return as_json(list(fake.store.received))


@routes("DELETE", "/_fake/requests")
def forget_requests(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Forget the requests so far."""
    fake.store.received.clear()
    return as_json([])


@routes("GET", "/_fake/faults")
def faults(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Answer with the faults that are set, and how often each was met."""
    return as_json(fake.faults.list())


@routes("POST", "/_fake/faults")
def add_fault(fake: Fake, request: Request) -> Reply:
    """Set one more fault."""
    return as_json({"id": fake.faults.add(request.read(Fault))})


@routes("DELETE", "/_fake/faults")
def clear_faults(fake: Fake, request: Request) -> Reply:  # noqa: ARG001
    """Take all faults back."""
    fake.faults.clear()
    return as_json([])


def beginnings(fake: Fake) -> dict[str, int]:
    """The account, and the first of each object in it."""
    job = next(iter(fake.store.jobs))
    ids = {"job_id": job.id, "project_id": job.project_id, "environment_id": job.environment_id}
    return {"account_id": fake.store.account.id, **ids}


def run_told(run: RunRecord) -> dict[str, object]:
    """What tests count and compare: each run with its cause, its status and what it was asked to do."""
    steps = [step.name for step in run.plan]
    request = run.request.model_dump(exclude_none=True)
    fields = run.model_dump(exclude={"plan", "behaviour", "request"})
    return {**fields, "cause": run.request.cause, "request": request, "steps": steps, "ended": run.ended}
