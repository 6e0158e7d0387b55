"""The command line `kestra-dbt platform`: its arguments, and the requests that they mean."""

import argparse
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kestra_dbt.platform.api.statuses import CODES
from kestra_dbt.platform.webhooks import EVENTS

TOKEN_VARIABLES = ("DBT_PLATFORM_TOKEN", "DBT_CLOUD_API_TOKEN")
"""Environment variables for the token; the first that is set counts. Everyone could see an argument."""

ACCOUNT_VARIABLE = "DBT_CLOUD_ACCOUNT_ID"
HOST_VARIABLE = "DBT_CLOUD_HOST"

_OVERRIDES = {
    "--git-branch": "branch to check out",
    "--git-sha": "commit to check out",
    "--schema": "schema to write to",
    "--dbt-version": "dbt version, as latest",
    "--target-name": "target.name in the project",
}
_UNITS = {"s": 1, "m": 60, "h": 3600}

_ENDS = (
    "Exit codes: 0 success, 1 the run failed or was cancelled, 2 a mistake in the call, or the platform refuses, "
    "130 interrupted."
)


def parser(environment: Mapping[str, str] = os.environ) -> argparse.ArgumentParser:
    """Return the parser."""
    found = argparse.ArgumentParser(
        prog="kestra-dbt platform",
        description="Jobs and runs of the dbt platform (dbt Cloud).",
        epilog=f"The token comes from {' or '.join(TOKEN_VARIABLES)}. {_ENDS}",
    )
    commands = found.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = _common(environment)
    _add_run(commands.add_parser("run", parents=[common], help="start a run of a job, exactly once, and follow it"))
    check = commands.add_parser("check", parents=[common], help="tell how a run is, or follow it to its end")
    check.add_argument("run", type=int, help="id of the run")
    check.add_argument("--follow", action="store_true", help="follow it to its end, and bring what it leaves")
    _add_following(check, on_kill="leave")
    retry = commands.add_parser("retry", parents=[common], help="retry a failed run from its failure, and follow it")
    retry.add_argument("run", type=int, help="id of the run that failed")
    retry.add_argument("--no-wait", action="store_true", help="only start it")
    _add_following(retry, on_kill="cancel")
    cancel = commands.add_parser("cancel", parents=[common], help="cancel a run, and wait until it is")
    cancel.add_argument("run", type=int, help="id of the run")
    cancel.add_argument("--no-wait", action="store_true", help="only ask for it")
    _add_artifacts(commands.add_parser("artifacts", parents=[common], help="bring artifacts of a run"))
    _add_lists(commands, common)
    _add_webhooks(commands, common)
    return found


def _common(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("account")
    host = environment.get(HOST_VARIABLE) or "cloud.getdbt.com"
    group.add_argument(
        "--host", default=host, help=f"access URL of the account (${HOST_VARIABLE}, else cloud.getdbt.com)"
    )
    account = environment.get(ACCOUNT_VARIABLE) or None
    group.add_argument(
        "--account", type=int, default=account, required=account is None, help=f"its id (${ACCOUNT_VARIABLE})"
    )
    group.add_argument("--debug", action="store_true", help="tell each call of the API, too")
    group.add_argument("--output", type=Path, default=Path("dbt-platform"), help="folder for files (dbt-platform)")
    return common


def _add_run(run: argparse.ArgumentParser) -> None:
    _add_job(run)
    run.add_argument("--cause", help="why, for people")
    run.add_argument(
        "--key",
        default=f"cli-{secrets.token_hex(8)}",
        help="name of what wants the run, of 8 characters or more, as a scheduler's id of its own run: asked again "
        "with the same key, the run that was started is taken up, and no other started (default: a new one)",
    )
    for flag, text in _OVERRIDES.items():
        run.add_argument(flag, help=text)
    run.add_argument("--threads", type=int, help="threads")
    run.add_argument("--timeout", type=seconds, help="after which the platform cancels it, as 30m")
    run.add_argument("--step", action="append", default=[], help="dbt command instead of the job's; may be repeated")
    run.add_argument("--no-wait", action="store_true", help="only start it")
    _add_following(run, on_kill="cancel")


def _add_job(found: argparse.ArgumentParser) -> None:
    found.add_argument("job", help="id of the job, or its name")
    found.add_argument("--project", help="name or id of the project, where the name of the job is not enough")
    found.add_argument("--environment", help="name or id of the environment, likewise")


def _add_following(found: argparse.ArgumentParser, on_kill: str) -> None:
    group = found.add_argument_group("following")
    group.add_argument("--poll", type=seconds, default=10.0, help="between two looks (10s)")
    group.add_argument("--max-duration", type=seconds, help="after which the wait is given up, as 2h (never)")
    group.add_argument(
        "--on-kill", choices=["cancel", "leave"], default=on_kill, help=f"what Ctrl-C makes of the run ({on_kill})"
    )
    group.add_argument("--compiled", action="store_true", help="bring compiled and executed SQL, too")


def _add_artifacts(found: argparse.ArgumentParser) -> None:
    which = found.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", type=int, help="id of the run")
    which.add_argument("--job", help="id or name of the job whose latest run is meant")
    found.add_argument("--step", help="only as this step left them: its number, or a part of its name")
    found.add_argument("patterns", nargs="*", help="paths below target/, as 'compiled/**/*.sql' (dbt's own artifacts)")


def _add_lists(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's own
    jobs = commands.add_parser("jobs", parents=[common], help="list jobs")
    jobs.add_argument("name", nargs="?", help="a part of the name")
    runs = commands.add_parser("runs", parents=[common], help="list runs, the newest first")
    runs.add_argument("--job", help="only of this job: its id or name")
    runs.add_argument("--status", action="append", default=[], choices=list(CODES), help="only these; may be repeated")
    runs.add_argument("--finished-after", help="only those that finished then or later, as 2026-01-15T10:20:02Z")
    for found in (jobs, runs):
        found.add_argument("--project", help="only of this project: its name or id")
        found.add_argument("--environment", help="only of this environment: its name or id")
        found.add_argument("--limit", type=int, default=100, help="so many at most (100)")
        found.add_argument("--json", action="store_true", help="one JSON object a line, with all columns")


def _add_webhooks(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's own
    webhooks = commands.add_parser("webhooks", help="create, list or remove webhook subscriptions")
    actions = webhooks.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", parents=[common], help="list them")
    create = actions.add_parser("create", parents=[common], help="create one; its secret is printed once")
    create.add_argument("name", help="name, for people")
    create.add_argument("url", help="address that is called; https")
    create.add_argument(
        "--event", action="append", default=[], choices=EVENTS, help="may be repeated (job.run.completed)"
    )
    create.add_argument("--job", type=int, action="append", default=[], help="only of this job's id; may be repeated")
    create.add_argument("--description", default="", help="for people")
    remove = actions.add_parser("remove", parents=[common], help="remove one")
    remove.add_argument("id", help="its id, as wsu_...")


def seconds(text: str) -> float:
    """Return the seconds that ``90``, ``90s``, ``15m`` or ``2h`` means."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 15m or 2h")
    return float(found[1]) * _UNITS[found[2] or "s"]


def request_of(given: argparse.Namespace) -> dict[str, Any]:
    """Return the request that the arguments mean, without what is not set."""
    wanted = _REQUESTS[given.command](given)
    account = {"host": given.host, "account_id": given.account, "debug": given.debug}
    return {name: value for name, value in {**wanted, **account}.items() if value is not None}


def _trigger(given: argparse.Namespace) -> dict[str, Any]:
    overrides = {
        "git_branch": given.git_branch,
        "git_sha": given.git_sha,
        "schema_override": given.schema,
        "dbt_version_override": given.dbt_version,
        "target_name_override": given.target_name,
        "threads_override": given.threads,
        "timeout_seconds_override": None if given.timeout is None else int(given.timeout),
        "steps_override": given.step,
    }
    return {
        "kind": "platform_trigger",
        "job": _job(given.job, given),
        "cause": given.cause or "Started from a command line",
        "overrides": {name: value for name, value in overrides.items() if value is not None},
        "token": given.key,
        "no_wait": given.no_wait,
        "following": _following(given),
    }


def _check(given: argparse.Namespace) -> dict[str, Any]:
    kind = {"kind": "platform_follow", "run_id": given.run}
    return {**kind, "no_wait": not given.follow, "following": _following(given)}


def _retry(given: argparse.Namespace) -> dict[str, Any]:
    return {"kind": "platform_retry", "run_id": given.run, "no_wait": given.no_wait, "following": _following(given)}


def _cancel(given: argparse.Namespace) -> dict[str, Any]:
    return {"kind": "platform_cancel", "run_id": given.run, "no_wait": given.no_wait, "following": {"poll_s": 1.0}}


def _artifacts(given: argparse.Namespace) -> dict[str, Any]:
    which = {"run_id": given.run} if given.run else {"job": _job(given.job)}
    return {"kind": "platform_artifacts", **which, "step": given.step, "patterns": given.patterns}


def _jobs(given: argparse.Namespace) -> dict[str, Any]:
    return {"kind": "platform_jobs", "name": given.name, **_filters(given)}


def _runs(given: argparse.Namespace) -> dict[str, Any]:
    job = _job(given.job) if given.job else None
    which = {"job": job, "statuses": given.status, "finished_after": given.finished_after}
    return {"kind": "platform_runs", **which, **_filters(given)}


def _filters(given: argparse.Namespace) -> dict[str, Any]:
    return {"project": given.project, "environment": given.environment, "limit": given.limit}


def _job(job: str, given: argparse.Namespace | None = None) -> dict[str, Any]:
    if job.isdecimal():
        return {"id": int(job)}
    return {"name": job, **({"project": given.project, "environment": given.environment} if given else {})}


def _following(given: argparse.Namespace) -> dict[str, Any]:
    return {
        "poll_s": given.poll,
        "max_duration_s": given.max_duration,
        "on_kill": given.on_kill,
        "compiled": given.compiled,
    }


_REQUESTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "run": _trigger,
    "check": _check,
    "retry": _retry,
    "cancel": _cancel,
    "artifacts": _artifacts,
    "jobs": _jobs,
    "runs": _runs,
}
