"""What is told while something is done on the platform, by events."""

from collections.abc import Callable
from datetime import datetime, timezone

from pydantic import JsonValue

from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.statuses import has_ended, word
from kestra_dbt.platform.leavings.links import docs_page, job_page, origin_of, run_page, step_page
from kestra_dbt.protocol import Event, Level, Link, Log, PlatformRun

_TEXT_LIMIT = 300


class Telling:
    """Tells of one run at a time, and says nothing twice."""

    def __init__(self, emit: Callable[[Event], None], base_url: str, account_id: int, *, debug: bool) -> None:
        self.emit = emit
        self._base_url = base_url
        self._account_id = account_id
        self._debug = debug
        self._links: dict[str, str] = {}
        self._run: PlatformRun | None = None
        self.invocation = 1
        """Which lines are of."""

    def say(self, level: Level, text: str) -> None:
        """Tell a line of our own."""
        if level is not Level.DEBUG or self._debug:
            self.emit(Log(invocation=self.invocation, level=level, at=datetime.now(timezone.utc), message=text))

    def link(self, name: str, url: str) -> None:
        """Tell of a page."""
        if self._links.get(name) != url:
            self._links[name] = url
            self.emit(Link(name=name, url=url))

    def run(self, run: Run) -> None:
        """Tell how a run is now, and where its pages are."""
        told = PlatformRun(id=run.id, status=word(run), ended=has_ended(run), details=self._details(run))
        if told != self._run:
            self._run = told
            self.emit(told)
        page = run_page(self._base_url, self._account_id, run)
        self.link("run", page)
        if run.of_job:
            self.link("job", job_page(origin_of(page), self._account_id, run.project_id, run.of_job))
        if run.has_docs_generated:
            self.link("docs", docs_page(origin_of(page), self._account_id, run))
        for step in run.run_steps:
            self.link(f"step {step.index}", step_page(page, step))

    def page(self, run: Run) -> str:
        """Return the page of a run."""
        return run_page(self._base_url, self._account_id, run)

    def _details(self, run: Run) -> dict[str, JsonValue]:
        ended = has_ended(run)
        found: dict[str, JsonValue] = {
            "url": run_page(self._base_url, self._account_id, run),
            "job_id": run.of_job,
            "job": run.job.name if run.job else None,
            "project_id": run.project_id,
            "environment_id": run.environment_id,
            "environment": run.environment.name if run.environment else None,
            "cause": run.cause,
            "message": run.status_message,
            "dbt_version": run.dbt_version,
            "git_branch": run.git_branch,
            "git_sha": run.git_sha,
            "retry_of": run.retrying_run_id,
            "created_at": run.created_at,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            # while it runs they grow, which is no news
            "duration": run.duration if ended else None,
            "queued_duration": run.queued_duration if ended else None,
            "run_duration": run.run_duration if ended else None,
        }
        return {name: _short(value) for name, value in found.items() if value not in (None, "")}


def _short(value: JsonValue) -> JsonValue:
    return f"{value[:_TEXT_LIMIT]}…" if isinstance(value, str) and len(value) > _TEXT_LIMIT else value
