"""The calls that are made of the platform, each with what it brings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from kestra_dbt.platform.api.client import Account, Client
from kestra_dbt.platform.api.errors import FateUnknownError, WrongHostError
from kestra_dbt.platform.api.models import Job, Named, Run, Step, Subscription, read

PAGE = 100
"""Items of a list at most, in one answer."""

_RELATED = ["trigger", "job", "environment", "run_steps"]
_LISTED = ["trigger", "job"]


class Api:
    """What can be asked of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def account(self) -> Account:
        """The account, with what opens it."""
        return self._client.account

    @property
    def account_id(self) -> int:
        """The account."""
        return self._client.account.id

    @property
    def base_url(self) -> str:
        """Address of the host."""
        return self._client.account.base_url

    def run(self, run_id: int, *, debug_logs: bool = False) -> Run:
        """Return a run with its steps."""
        related = [*_RELATED, "debug_logs"] if debug_logs else _RELATED
        return _run(self._client.get(f"runs/{run_id}/", f"Run {run_id}", include_related=related).data)

    def statuses(self, run_ids: Sequence[int]) -> dict[int, int]:
        """Return the statuses of runs, at most `PAGE` of them, by one call; of those that the platform lists."""
        answer = self._client.get("runs/", "how runs are", limit=PAGE, pk__in=list(run_ids))
        listed = answer.data if isinstance(answer.data, list) else []
        return {run.id: run.status for one in listed if (run := read(Run, one))}

    def step(self, step_id: int) -> Step | None:
        """Return a step with its log."""
        step: Step | None = read(Step, self._client.get(f"steps/{step_id}/", f"Step {step_id}").data)
        return step

    def runs(self, **filters: Any) -> Iterator[Run]:  # noqa: ANN401 - as queries have them
        """Yield runs with what caused them; in the order that ``order_by`` says."""
        return self._listed(Run, "runs/", "the list of runs", include_related=_LISTED, **filters)

    def job(self, job_id: int) -> Job:
        """Return a job."""
        job: Job | None = read(Job, self._client.get(f"jobs/{job_id}/", f"Job {job_id}").data)
        if job is None:
            raise _no_id("job")
        return job

    def jobs(self, **filters: Any) -> Iterator[Job]:  # noqa: ANN401 - as queries have them
        """Yield jobs with their environments and latest runs."""
        related = ["environment", "most_recent_run"]
        return self._listed(Job, "jobs/", "the list of jobs", include_related=related, **filters)

    def projects(self, name: str | None = None) -> Iterator[Named]:
        """Yield projects whose name contains ``name``."""
        return self._listed(Named, "v3/projects/", "the list of projects", name__icontains=name)

    def environments(self, project_id: int) -> Iterator[Named]:
        """Yield the environments of a project."""
        what = f"the list of environments of project {project_id}"
        return self._listed(Named, f"v3/projects/{project_id}/environments/", what)

    def start(self, job_id: int, body: dict[str, Any]) -> Run:
        """Start a run of a job. Not to be sent twice."""
        what = f"the start of a run of job {job_id}"
        return _started(self._client.post_once(f"jobs/{job_id}/run/", what, body).data, what)

    def retry(self, run_id: int) -> Run:
        """Start a run that resumes a failed one. Not to be sent twice."""
        what = f"the retry of run {run_id}"
        return _started(self._client.post_once(f"runs/{run_id}/retry/", what).data, what)

    def cancel(self, run_id: int) -> None:
        """Ask for a run to be cancelled."""
        self._client.post(f"runs/{run_id}/cancel/", f"the cancellation of run {run_id}")

    def artifacts(self, run_id: int) -> list[str]:
        """Return the paths of a run's artifacts."""
        data = self._client.get(f"runs/{run_id}/artifacts/", f"The list of artifacts of run {run_id}").data
        return [path for path in data if isinstance(path, str)] if isinstance(data, list) else []

    def download(self, run_id: int, path: str, file: Path, *, step: int | None) -> bool:
        """Bring an artifact, as a step left it, or the last one; False if there is none."""
        return self._client.download(f"runs/{run_id}/artifacts/{quote(path)}", file, step=step)

    def subscriptions(self) -> Iterator[Subscription]:
        """Yield the webhook subscriptions."""
        return self._listed(Subscription, "v3/webhooks/subscriptions", "the list of webhooks")

    def subscribe(self, body: dict[str, Any]) -> Subscription:
        """Create a webhook subscription; only this answer has its secret. Not to be sent twice."""
        what = f"the webhook {body.get('name')}"
        made: Subscription | None = read(
            Subscription, self._client.post_once("v3/webhooks/subscriptions", what, body).data
        )
        if made is None:
            raise FateUnknownError(f"The answer to the creation of {what} cannot be read.")
        return made

    def unsubscribe(self, subscription_id: str) -> None:
        """Remove a webhook subscription."""
        path = f"v3/webhooks/subscription/{quote(subscription_id, safe='')}"
        self._client.change("DELETE", path, f"Webhook {subscription_id}")

    def _listed(self, model: type[BaseModel], path: str, what: str, **filters: Any) -> Iterator[Any]:  # noqa: ANN401
        """Yield all pages of a list. It may shrink or grow meanwhile: nothing comes twice, and it always ends."""
        offset, seen = 0, set[Any]()
        while True:
            answer = self._client.get(path, what, limit=PAGE, offset=offset, **filters)
            page = answer.data if isinstance(answer.data, list) else []
            for item in (read(model, one) for one in page):
                if item is not None and item.id not in seen:
                    seen.add(item.id)
                    yield item
            offset += len(page)
            if not page or _is_last(len(page), offset, answer.extra):
                return


def _is_last(received: int, offset: int, extra: dict[str, Any]) -> bool:
    pagination = extra.get("pagination")
    total = pagination.get("total_count") if isinstance(pagination, dict) else None
    return offset >= total if isinstance(total, int) else received < PAGE


def _run(data: object) -> Run:
    run: Run | None = read(Run, data)
    if run is None:
        raise _no_id("run")
    return run


def _started(data: object, what: str) -> Run:
    run: Run | None = read(Run, data)
    if run is None:
        raise FateUnknownError(f"The answer to {what} names no run.")
    return run


def _no_id(what: str) -> WrongHostError:
    return WrongHostError(f"What answers for the dbt platform tells of a {what} without an id: check `host`.")
