"""Carries runs out: a queue, run slots, a thread for each run that is under way."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

from fake_platform.clock import now
from fake_platform.plan import failed_step, planned, planned_retry
from fake_platform.recordings import Recording, Recordings
from fake_platform.records import PlannedStep, RunRecord, StepRecord
from fake_platform.store import Store
from fake_platform.wire import CANCELLED, ENDED, ERROR, QUEUED, RUNNING, STARTING, SUCCESS, Job, TriggerRequest
from fake_platform.workspace import LOOK_EVERY_S, Order, Stop, Workspace, digest

Notify = Callable[[str, int], None]
"""Called with the name of an event (`job.run.started`) and the run's id."""

CANCELLED_IN_QUEUE = "Cancelled by a user before the run was started."
CANCELLED_BY_USER = "Cancelled by a user."
TIMED_OUT = "The run was cancelled because it exceeded its timeout."
RESTARTED = "The platform was restarted while the run was under way."


class Executor:
    """Starts runs when slots are free, and stops them when they are cancelled."""

    def __init__(self, store: Store, recordings: Recordings, notify: Notify) -> None:
        self._store, self._recordings, self._notify = store, recordings, notify
        self._stops: dict[int, Stop] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False
        for run in store.runs:
            if not run.ended and run.status != QUEUED:
                self._end(run.id, ERROR, RESTARTED)

    def trigger(self, job: Job, request: TriggerRequest, retried: RunRecord | None = None) -> RunRecord:
        """Queue a new run of a job; with `retried`, one that goes on where that run failed."""
        store = self._store
        project = store.projects.get(job.project_id)
        environment = store.environments.get(job.environment_id)
        assert project and environment, "a job's project and environment were looked up at its creation"
        with store.lock:
            at = now()
            run = RunRecord(
                id=store.new_id(10_001),
                trigger_id=store.new_id(20_001),
                job_id=job.id,
                project_id=job.project_id,
                environment_id=job.environment_id,
                request=request,
                behaviour=store.behaviour(job.id),
                plan=planned_retry(store, retried) if retried else planned(job, request, project.name),
                dbt_version=request.dbt_version_override or job.dbt_version or environment.dbt_version,
                retrying_run_id=retried.id if retried else None,
                created_at=at,
                updated_at=at,
            )
            store.runs.put(run.id, run)
        self.fill_slots()
        return run

    def fill_slots(self) -> None:
        """Start the runs that have waited longest, as far as slots are free. Scripted ones need none."""
        with self._store.lock:
            queued = [run for run in self._store.runs if run.status == QUEUED and run.id not in self._stops]
            under_way = [self._store.runs.get(run_id) for run_id in self._stops]
            taken = sum(1 for run in under_way if run and run.behaviour.mode != "scripted")
            free = self._store.settings.run_slots - taken
            scripted = [run for run in queued if run.behaviour.mode == "scripted"]
            others = [run for run in queued if run.behaviour.mode != "scripted"]
            if self._closed:
                return
            for run in [*scripted, *others[: max(free, 0)]]:
                self._stops[run.id] = Stop()
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                self._threads.append(threading.Thread(target=self._carry_out, args=(run,), daemon=True))
                self._threads[-1].start()

    def cancel(self, run_id: int) -> RunRecord:
        """Cancel a run that has not ended: at once in the queue, else as soon as what runs has stopped."""
        with self._store.lock:
            run = self._run_of(run_id)
            if stop := self._stops.get(run_id):
                stop.asked.set()
            elif run.status == QUEUED:
                run = self._end(run_id, CANCELLED, CANCELLED_IN_QUEUE)
            return run

    def close(self) -> None:
        """Stop all runs, and wait for their processes to end. What is queued stays so, for the next server."""
        with self._store.lock:
            self._closed = True
            for stop in self._stops.values():
                stop.asked.set()
        for thread in list(self._threads):
            thread.join()

    def _carry_out(self, run: RunRecord) -> None:
        stop = self._stops[run.id]
        try:
            status, message = self._outcome(run, stop)
        except Exception as error:  # noqa: BLE001 - a run that cannot be carried out is one that failed
            status, message = ERROR, f"The fake could not carry the run out: {error!r}"
        if status == CANCELLED and self._closed:
            status, message = ERROR, RESTARTED
        elif status == CANCELLED:
            time.sleep(self._store.settings.cancel_s)
        with self._store.lock:
            del self._stops[run.id]
            self._end(run.id, status, message)
        self.fill_slots()
        self._finish(run.id, status)

    def _outcome(self, run: RunRecord, stop: Stop) -> tuple[int, str | None]:
        if run.behaviour.mode == "scripted":
            return self._follow_script(run, stop)
        self._store.change_run(run.id, status=STARTING, dequeued_at=now())
        stop.pause(self._store.settings.starting_s)
        order = self._order(run)
        recording = self._wait_for(order, run, stop) if run.behaviour.mode == "recorded" else None
        if stop.now:
            return CANCELLED, CANCELLED_BY_USER
        limit_s = self._time_limit_s(run)
        run = self._store.change_run(
            run.id, status=RUNNING, started_at=now(), git_sha=run.request.git_sha or digest(Path(order.project))
        )
        stop.deadline = now() + limit_s if limit_s else None
        self._notify("job.run.started", run.id)
        succeeded = self._replay(run, recording, stop) if recording else self._run(run, order, stop)
        if stop.asked.is_set():
            return CANCELLED, CANCELLED_BY_USER
        if stop.timed_out:
            return CANCELLED, TIMED_OUT
        return (SUCCESS, None) if succeeded else (ERROR, None)

    def _run(self, run: RunRecord, order: Order, stop: Stop) -> bool:
        """Take each step for real."""
        folder = self._store.folder / "runs" / str(run.id)
        workspace = Workspace(folder / "workspace", order)
        self._store.change_run(run.id, workspace=str(workspace.root))
        for index, planned_step in enumerate(run.plan, 1):
            step = self._begin(run.id, index, planned_step, folder / str(index))
            succeeded = workspace.perform(planned_step, Path(step.folder), stop)
            if not self._ended_well(step, stop, succeeded=succeeded):
                return False
        return True

    def _replay(self, run: RunRecord, recording: Recording, stop: Stop) -> bool:
        """Take each step as it went when it was recorded."""
        self._store.change_run(run.id, workspace=recording.workspace)
        step_s = run.behaviour.step_s
        for index, (planned_step, recorded) in enumerate(zip(run.plan, recording.steps, strict=False), 1):
            step = self._begin(run.id, index, planned_step, Path(recorded.folder), step_s)
            stop.pause(step_s)
            if not self._ended_well(step, stop, succeeded=recorded.succeeded):
                return False
        return True

    def _wait_for(self, order: Order, run: RunRecord, stop: Stop) -> Recording | None:
        """The recording of a run; none if the run has to stop before it is made."""
        recording = self._recordings.of(order, run.plan)
        while not stop.now:
            with contextlib.suppress(NotYet):
                return recording.result(LOOK_EVERY_S)
        return None

    def _follow_script(self, run: RunRecord, stop: Stop) -> tuple[int, str | None]:
        for entry in run.behaviour.script:
            if entry.status in ENDED:
                return entry.status, None
            self._enter(run.id, entry.status)
            stop.pause(entry.seconds)
            if stop.now:
                break
        stop.asked.wait()
        return CANCELLED, CANCELLED_BY_USER

    def _enter(self, run_id: int, status: int) -> None:
        """Give a scripted run a status, with the times that go with it."""
        times = {STARTING: {"dequeued_at": now()}, RUNNING: {"started_at": now()}}.get(status, {})
        self._store.change_run(run_id, status=status, **times)
        if status == RUNNING:
            self._notify("job.run.started", run_id)

    def _begin(
        self, run_id: int, index: int, planned_step: PlannedStep, folder: Path, replay_s: float | None = None
    ) -> StepRecord:
        with self._store.lock:
            step = StepRecord(
                id=self._store.new_id(30_001),
                run_id=run_id,
                index=index,
                planned=planned_step,
                status=RUNNING,
                folder=str(folder),
                replay_s=replay_s,
                started_at=now(),
            )
            self._store.steps.put(step.id, step)
            self._store.change_run(run_id, step_ids=(*self._run_of(run_id).step_ids, step.id))
        return step

    def _ended_well(self, step: StepRecord, stop: Stop, *, succeeded: bool) -> bool:
        """Note how a step ended, and return whether the run goes on."""
        status = CANCELLED if stop.now else SUCCESS if succeeded else ERROR
        self._store.steps.change(step.id, status=status, finished_at=now())
        return status == SUCCESS or (status == ERROR and not step.planned.decides)

    def _end(self, run_id: int, status: int, message: str | None) -> RunRecord:
        return self._store.change_run(run_id, status=status, status_message=message, finished_at=now())

    def _finish(self, run_id: int, status: int) -> None:
        """Tell of the end, and bring the artifacts in, which a listener of `errored` may be earlier than."""
        if status == ERROR:
            self._notify("job.run.errored", run_id)
        time.sleep(self._store.settings.artifacts_delay_s)
        self._store.change_run(run_id, artifacts_saved=True)
        if status != CANCELLED:
            self._notify("job.run.completed", run_id)

    def _run_of(self, run_id: int) -> RunRecord:
        run = self._store.runs.get(run_id)
        assert run, "no run is ever taken out of the table"
        return run

    def _order(self, run: RunRecord) -> Order:
        job = self._store.jobs.get(run.job_id)
        assert job, "a job with active runs is only marked as deleted"
        request = run.request
        retried = self._store.runs.get(run.retrying_run_id) if run.retrying_run_id else None
        earlier = retried or (self._latest(run) if run.behaviour.mode == "dbt" else None)
        step = failed_step(self._store, retried) if retried else None
        return Order(
            project=str(self._store.project_folder(run.project_id)),
            profile_schema=request.schema_override or "main",
            target=request.target_name_override or job.settings.target_name,
            threads=request.threads_override or job.settings.threads,
            warehouse=str(Path(earlier.workspace) / "warehouse.duckdb") if earlier and earlier.workspace else None,
            retried=str(Path(step.folder) / "artifacts") if step else None,
        )

    def _latest(self, run: RunRecord) -> RunRecord | None:
        """The job's run that ended last: its warehouse is what this one finds."""
        ended = [other for other in self._store.runs if other.job_id == run.job_id and other.ended and other.workspace]
        return max(ended, key=lambda other: other.finished_at or 0, default=None)

    def _time_limit_s(self, run: RunRecord) -> int:
        job = self._store.jobs.get(run.job_id)
        return run.request.timeout_seconds_override or (job.execution.timeout_seconds if job else 0)
