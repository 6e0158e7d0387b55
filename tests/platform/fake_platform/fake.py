"""The fake as a whole: its state and its working parts, and what it starts with."""

from __future__ import annotations

from pathlib import Path

from fake_platform.clock import now, with_t
from fake_platform.executor import Executor
from fake_platform.faults import Faults
from fake_platform.recordings import Recordings
from fake_platform.records import Behaviour, RunRecord
from fake_platform.routing import ApiError
from fake_platform.store import LARGE, Store
from fake_platform.webhooks import Webhooks
from fake_platform.wire import DELETED, Account, Job, JobFields, JobTriggers

SHOP = Path(__file__).resolve().parents[2] / "projects" / "shop"


class Fake:
    """One platform with one account."""

    def __init__(self, folder: Path, recordings: Path, token: str, *, large_ids: bool, mode: str) -> None:
        self.token = token
        self.store = Store(folder)
        self.faults = Faults()
        self._recordings = Recordings(recordings)
        if not list(self.store.accounts):
            self._furnish(large_ids, Behaviour.model_validate({"mode": mode}))
        self.webhooks = Webhooks(self.store)
        self.executor = Executor(self.store, self._recordings, self.webhooks.notify)
        self.executor.fill_slots()

    def _furnish(self, large_ids: bool, behaviour: Behaviour) -> None:
        """Begin with the project of the tests, and one job that builds it."""
        store = self.store
        store.change_settings(large_ids=large_ids)
        store.behaviours.put("all", behaviour)
        account_id = 12345 + (LARGE if large_ids else 0)
        store.accounts.put(account_id, Account(id=account_id))
        project, environment = store.add_project("shop", SHOP)
        self.add_job(
            JobFields(
                project_id=project.id,
                environment_id=environment.id,
                name="nightly build",
                execute_steps=["dbt build"],
                triggers=JobTriggers(schedule=True),
                schedule={"cron": "0 5 * * *", "date": {"type": "custom_cron", "cron": "0 5 * * *"}},
            )
        )

    def add_job(self, fields: JobFields) -> Job:
        """Create a job.

        Raises:
            ApiError: 400, if its project or its environment is not there.
        """
        at = with_t(now(), self.store.settings.clock_skew_s)
        return self.put_job(self.store.new_id(901), fields, created_at=at)

    def put_job(self, job_id: int, fields: JobFields, created_at: str) -> Job:
        """Create or replace a job; its type follows from its triggers."""
        environment = self.store.environments.get(fields.environment_id)
        if environment is None or environment.project_id != fields.project_id:
            raise ApiError(400, f"Environment {fields.environment_id} is none of project {fields.project_id}.")
        triggers = fields.triggers
        ci = triggers.github_webhook or triggers.git_provider_webhook
        job = Job(
            **{name: getattr(fields, name) for name in JobFields.model_fields},
            id=job_id,
            account_id=self.store.account.id,
            job_type="ci" if ci else "merge" if triggers.on_merge else "scheduled" if triggers.schedule else "other",
            created_at=created_at,
            updated_at=with_t(now(), self.store.settings.clock_skew_s),
        )
        return self.store.jobs.put(job_id, job)

    def job(self, job_id: int | str) -> Job:
        """Find a job.

        Raises:
            ApiError: 404, if there is none, or it was deleted.
        """
        job = self.store.jobs.get(job_id)
        if job is None or job.state == DELETED:
            raise ApiError(404)
        return job

    def run(self, run_id: int | str) -> RunRecord:
        """Find a run.

        Raises:
            ApiError: 404, if there is none, or it was deleted.
        """
        run = self.store.runs.get(run_id)
        if run is None or run.deleted:
            raise ApiError(404)
        return run

    def close(self) -> None:
        """Stop all that is under way."""
        self.executor.close()
        self._recordings.close()
        self.webhooks.close()
