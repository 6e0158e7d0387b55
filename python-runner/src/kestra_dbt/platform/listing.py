"""Lists of jobs and of runs, as tables."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.models import Job, Run
from kestra_dbt.platform.api.statuses import CODES, word
from kestra_dbt.platform.finding import environment_id_of, job_id_of, jobs, project_id_of
from kestra_dbt.platform.leavings.links import page_of, run_page
from kestra_dbt.platform.session import Session
from kestra_dbt.protocol import Level, Outcome, PlatformJobs, PlatformRuns
from kestra_dbt.report.table_file import write
from kestra_dbt.report.verdict import Verdict
from kestra_dbt.terms.times import when

JOBS_FILE = "jobs.ion"
RUNS_FILE = "runs.ion"

Row = Mapping[str, Any]


def list_jobs(request: PlatformJobs, here: Session) -> Verdict:
    """Write the table of jobs."""
    projects = {project.id: project.name for project in here.api.projects()}
    found = islice(jobs(here.api, request.name, request.project, request.environment), request.limit)
    return _table(here, JOBS_FILE, (_job(here.api, job, projects.get(job.project_id)) for job in found))


def list_runs(request: PlatformRuns, here: Session) -> Verdict:
    """Write the table of runs."""
    since = _time_of(request.finished_after)
    found = _matching(request, here.api, since)
    if since is not None:
        found = _finished(found, since)
    return _table(here, RUNS_FILE, (_run(here.api, run) for run in islice(found, request.limit)))


def _matching(request: PlatformRuns, api: Api, since: datetime | None) -> Iterator[Run]:
    project_id = project_id_of(api, request.project)
    environment_id = environment_id_of(api, request.environment, project_id)
    statuses = [CODES[status] for status in request.statuses]
    filters = {
        "job_definition_id": request.job and job_id_of(api, request.job),
        "project_id": project_id,
        "environment_id": environment_id,
        "status__in": statuses or None,
        "order_by": "-id" if since is None else "-finished_at",
    }
    for run in api.runs(**filters):
        if run.status in statuses or not statuses:
            yield run


def _finished(runs: Iterable[Run], since: datetime) -> Iterator[Run]:
    """Yield the runs that finished then or later, the oldest first; ``runs`` come with the latest end first."""
    found: list[tuple[datetime, int, Run]] = []
    for run in runs:
        finished = _time(run.finished_at)
        if finished is not None and finished < since:
            break
        if finished is not None:
            found.append((finished, run.id, run))
    for _, _, run in sorted(found, key=lambda one: one[:2]):
        yield run


def _time_of(text: str | None) -> datetime | None:
    if text is None:
        return None
    time = _time(text)
    if time is None:
        raise RequestError(f"`finished_after` of the request is {text!r}: give a time as 2026-01-15T10:20:02Z.")
    return time


def _time(text: str | None) -> datetime | None:
    try:
        return when(text) if text else None
    except ValueError:
        return None


def _table(here: Session, name: str, rows: Iterable[Row]) -> Verdict:
    count = write(rows, here.folder.path(name))
    here.telling.emit(here.folder.artifact(name, name, count))
    here.telling.say(Level.INFO, f"{count} {name.partition('.')[0]}.")
    return Verdict(Outcome.SUCCESS, 0)


def _job(api: Api, job: Job, project: str | None) -> Row:
    latest = job.most_recent_run
    return {
        "id": job.id,
        "name": job.name,
        "project_id": job.project_id,
        "project": project,
        "environment_id": job.environment_id,
        "environment": job.environment and job.environment.name,
        "type": job.job_type,
        "steps": "; ".join(job.execute_steps),
        "schedule": job.schedule.cron if job.schedule and job.triggers and job.triggers.schedule else None,
        "threads": job.settings and job.settings.threads,
        "target": job.settings and job.settings.target_name,
        "dbt_version": job.dbt_version,
        "generate_docs": job.generate_docs,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "last_run_id": latest and latest.id,
        "last_run_status": latest and word(latest),
        "last_run_finished_at": latest and latest.finished_at,
        "url": page_of(api.base_url, api.account_id, job),
    }


def _run(api: Api, run: Run) -> Row:
    return {
        "id": run.id,
        "status": word(run),
        "job_id": run.of_job,
        "job": run.job and run.job.name,
        "project_id": run.project_id,
        "environment_id": run.environment_id,
        "cause": run.cause or None,
        "message": run.status_message,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration": run.duration,
        "git_branch": run.git_branch,
        "git_sha": run.git_sha,
        "dbt_version": run.dbt_version,
        "retry_of": run.retrying_run_id,
        "url": run_page(api.base_url, api.account_id, run),
    }
