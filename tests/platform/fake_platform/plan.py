"""Which steps a run takes, and from where a failed run can be retried."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from fake_platform.records import PlannedStep, RunRecord, StepRecord
from fake_platform.store import Store
from fake_platform.wire import ERROR, Job, TriggerRequest
from fake_platform.workspace import wrote_results

RETRYABLE = {"build", "clone", "compile", "docs", "run", "run-operation", "seed", "snapshot", "test"}
FIRST_VERSION_WITH_RETRY = (1, 6)


def planned(job: Job, request: TriggerRequest, project: str) -> tuple[PlannedStep, ...]:
    """All steps of a full run: the platform's own, then the job's or the trigger's, then the docs."""
    docs = job.generate_docs if request.generate_docs_override is None else request.generate_docs_override
    return (
        PlannedStep(name="Clone git repository", kind="clone"),
        PlannedStep(name=f"Create profile from connection Warehouse of {project}", kind="profile"),
        dbt("dbt deps"),
        *([dbt("dbt source freshness", decides=False)] if job.run_generate_sources else []),
        *[dbt(command) for command in request.steps_override or job.execute_steps],
        *([dbt("dbt docs generate", decides=False)] if docs else []),
    )


def dbt(command: str, *, decides: bool = True) -> PlannedStep:
    """One dbt command, under the name that the platform gives to it."""
    return PlannedStep(name=f"Invoke dbt with `{command}`", kind="dbt", command=command, decides=decides)


def planned_retry(store: Store, failed: RunRecord) -> tuple[PlannedStep, ...]:
    """The steps that go on where a run failed: set-up, `dbt retry`, then what had been left out."""
    step = failed_step(store, failed)
    assert step, "a run that can be retried has a failed step"
    return (*failed.plan[:3], dbt("dbt retry"), *failed.plan[step.index :])


def failed_step(store: Store, run: RunRecord) -> StepRecord | None:
    """The step because of which a run failed."""
    return next((step for step in store.steps_of(run) if step.status == ERROR and step.planned.decides), None)


def why_no_retry(store: Store, run: RunRecord) -> str | None:
    """Why a run cannot be retried from its failure, in the platform's words; None if it can."""
    if run.status != ERROR:
        return "RETRY_NOT_FAILED_RUN"
    if max(other.id for other in store.runs if other.job_id == run.job_id) != run.id:
        return "RETRY_NOT_LATEST_RUN"
    step = failed_step(store, run)
    if step is None or subcommand(step.planned.command) not in RETRYABLE:
        return "RETRY_UNSUPPORTED_CMD"
    version = re.match(r"(\d+)\.(\d+)", run.dbt_version)
    if version and (int(version[1]), int(version[2])) < FIRST_VERSION_WITH_RETRY:
        return "RETRY_UNSUPPORTED_VERSION"
    if not wrote_results(Path(step.folder)):
        return "RETRY_NO_RUN_RESULTS"
    return None


def subcommand(command: str) -> str:
    """Which of dbt's commands a step calls: the first word behind `dbt` that is no option."""
    words = [word for word in shlex.split(command)[1:] if not word.startswith("-")]
    return "run" if words[:1] == ["retry"] else (words or [""])[0]
