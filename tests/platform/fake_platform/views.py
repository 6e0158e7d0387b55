"""Runs and steps as the API shows them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from fake_platform.clock import duration, humanized, now, with_space
from fake_platform.plan import subcommand, why_no_retry
from fake_platform.records import RunRecord, StepRecord
from fake_platform.store import Store
from fake_platform.wire import CANCELLED, ERROR, QUEUED, RUNNING, STARTING, STATUS_NAMES, SUCCESS, Run, Step

COLORS = {SUCCESS: "#00ff00", ERROR: "#ff0000", CANCELLED: "#808080"}
DEBUG_LINES = 1000


def run_view(store: Store, run: RunRecord, related: set[str], *, listed: bool = False) -> Run:
    """Show a run.

    Args:
        store: has the rest of it.
        run: as it is now.
        related: the objects that were asked for; unknown ones are passed over.
        listed: whether it is one of a list, which knows fewer of them: no steps, for instance.
    """
    skew, job = store.settings.clock_skew_s, store.jobs.get(run.job_id)
    ended_at = run.finished_at or now()
    docs, sources = succeeded(store, run, "docs"), succeeded(store, run, "source")
    reason = why_no_retry(store, run)
    return Run(
        id=run.id,
        trigger_id=run.trigger_id,
        account_id=store.account.id,
        environment_id=run.environment_id,
        project_id=run.project_id,
        job_definition_id=run.job_id,
        job_id=run.job_id,
        status=run.status,
        status_humanized=STATUS_NAMES.get(run.status, "Unknown"),
        status_message=run.status_message,
        in_progress=run.status in (QUEUED, STARTING, RUNNING),
        is_running=run.status == RUNNING,
        is_complete=run.ended,
        is_success=run.status == SUCCESS,
        is_error=run.status == ERROR,
        is_cancelled=run.status == CANCELLED,
        dbt_version=run.dbt_version,
        git_branch=run.request.git_branch or "main",
        git_sha=run.git_sha,
        artifacts_saved=run.artifacts_saved,
        has_docs_generated=run.artifacts_saved and docs,
        has_sources_generated=run.artifacts_saved and sources,
        created_at=with_space(run.created_at, skew),
        updated_at=with_space(run.updated_at, skew),
        dequeued_at=with_space(run.dequeued_at, skew),
        started_at=with_space(run.started_at, skew),
        finished_at=with_space(run.finished_at, skew),
        **durations(store, "duration", ended_at - run.created_at),
        **durations(store, "queued_duration", (run.started_at or ended_at) - run.created_at),
        **durations(store, "run_duration", ended_at - run.started_at if run.started_at else 0),
        can_retry=reason is None,
        retry_not_supported_reason=reason,
        retrying_run_id=run.retrying_run_id,
        trigger=trigger_view(store, run) if "trigger" in related else None,
        job=job if "job" in related else None,
        environment=store.environments.get(run.environment_id) if "environment" in related and not listed else None,
        run_steps=[step_view(store, step, whole_debug="debug_logs" in related) for step in store.steps_of(run)]
        if "run_steps" in related and not listed
        else [],
        href=f"{access_url(store)}/deploy/{store.account.id}/projects/{run.project_id}/runs/{run.id}/",
    )


def access_url(store: Store) -> str:
    """Where people would look at it; nothing answers there."""
    return f"https://{store.account.static_subdomain}.us1.dbt.com"


def succeeded(store: Store, run: RunRecord, command: str) -> bool:
    """Whether a step with one of dbt's commands ended well."""
    steps = [step for step in store.steps_of(run) if step.status == SUCCESS and step.planned.kind == "dbt"]
    return any(subcommand(step.planned.command) == command for step in steps)


def durations(store: Store, name: str, seconds: float) -> dict[str, Any]:
    """Show one duration, in its two fields."""
    written = duration(seconds, as_seconds=store.settings.durations_in_seconds)
    return {name: written, f"{name}_humanized": humanized(seconds)}


def trigger_view(store: Store, run: RunRecord) -> dict[str, Any]:
    """Show what started a run."""
    created_at = with_space(run.created_at, store.settings.clock_skew_s)
    told = {"id": run.trigger_id, "run_id": run.id, "job_definition_id": run.job_id, "created_at": created_at}
    return {**told, "cause_humanized": run.request.cause, **run.request.model_dump()}


def step_view(store: Store, step: StepRecord, *, whole_debug: bool) -> Step:
    """Show a step, with the part of its log that there is by now."""
    skew, ended_at = store.settings.clock_skew_s, step.finished_at or now()
    debug = log(step, "dbt.log")
    return Step(
        id=step.id,
        run_id=step.run_id,
        account_id=store.account.id,
        index=step.index,
        name=step.planned.name,
        status=step.status,
        status_humanized=STATUS_NAMES.get(step.status, "Unknown"),
        status_color=COLORS.get(step.status, "#0000ff"),
        created_at=with_space(step.started_at, skew),
        started_at=with_space(step.started_at, skew),
        finished_at=with_space(step.finished_at, skew),
        **durations(store, "duration", ended_at - step.started_at),
        logs=log(step, "log.txt"),
        debug_logs=debug if whole_debug else None,
        truncated_debug_logs="".join(debug.splitlines(keepends=True)[-DEBUG_LINES:]),
    )


def log(step: StepRecord, name: str) -> str:
    """Read a log; of a replay, whole lines in the proportion of the time that it has run."""
    path = Path(step.folder) / name
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if not step.replay_s:
        return text
    share = ((step.finished_at or now()) - step.started_at) / step.replay_s
    lines = text.splitlines(keepends=True)
    return "".join(lines[: math.floor(len(lines) * min(share, 1))])
