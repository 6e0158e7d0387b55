"""Artifacts of a run, by name or pattern, as they were when it ended or as one of its steps left them."""

import re

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.errors import PlatformError
from kestra_dbt.platform.api.models import Run, Step
from kestra_dbt.platform.api.statuses import SUCCESS, WORDS, has_ended, word
from kestra_dbt.platform.finding import job_id_of
from kestra_dbt.platform.leavings.collecting import is_safe
from kestra_dbt.platform.session import Session
from kestra_dbt.platform.steps import in_order, title
from kestra_dbt.protocol import JobReference, Level, Outcome, PlatformArtifacts
from kestra_dbt.report.artifact_names import ARTIFACTS
from kestra_dbt.report.verdict import Verdict

_USUAL = frozenset({*ARTIFACTS, "index.html"})


def bring_artifacts(request: PlatformArtifacts, here: Session) -> Verdict:
    """Bring them."""
    run = _run(request, here.api)
    here.telling.run(run)
    step = _step(run, request.step) if request.step else None
    listed = [path for path in here.api.artifacts(run.id) if _wanted(path, request.patterns)]
    unsafe = [path for path in listed if not is_safe(path)]
    for path in unsafe:
        here.telling.say(Level.WARN, f"{path!r} is left out: it would leave the output folder.")
    lost, count = list(unsafe), 0
    for path in (path for path in listed if path not in unsafe):
        name = path if request.patterns else ARTIFACTS.get(path, path)
        try:
            if here.api.download(run.id, path, here.folder.path(name), step=step.index if step else None):
                here.folder.announce(name)
                count += 1
        except (PlatformError, OSError, ValueError) as error:
            lost.append(path)
            here.telling.say(Level.WARN, f"{path} could not be brought: {error}")
    of = f"{title(step)} of run {run.id}" if step else f"run {run.id}"
    here.telling.say(Level.INFO, f"{count} artifacts of {of} ({word(run)}) were brought.")
    return _verdict(request, of, count, lost)


def _verdict(request: PlatformArtifacts, of: str, count: int, lost: list[str]) -> Verdict:
    if lost:
        return Verdict(Outcome.WARNING, 0, reason=f"{len(lost)} artifacts of {of} could not be brought; see the log.")
    if not count:
        wanted = f"that match {', '.join(request.patterns)}" if request.patterns else "of dbt's own"
        return Verdict(Outcome.WARNING, 0, reason=f"There are no artifacts {wanted} in {of}.")
    return Verdict(Outcome.SUCCESS, 0)


def _run(request: PlatformArtifacts, api: Api) -> Run:
    if request.run_id is not None:
        return api.run(request.run_id)
    job_id = job_id_of(api, request.job or JobReference())
    ended = [code for code in WORDS if code >= SUCCESS]
    for run in api.runs(job_definition_id=job_id, order_by="-id", status__in=ended):
        if has_ended(run):
            return api.run(run.id)
    raise RequestError(f"Job {job_id} has no run that has ended, so there are no artifacts.")


def _step(run: Run, wanted: str) -> Step:
    steps = in_order(run)
    if wanted.isdecimal():
        found = [step for step in steps if step.index == int(wanted)]
    else:
        found = [step for step in steps if wanted.lower() in (step.name or "").lower()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(map(title, steps)) or "none"
    how = f"{len(found)} steps" if found else "no step"
    raise RequestError(f"`step` is `{wanted}`, which means {how} of run {run.id}; its steps are: {names}.")


def _wanted(path: str, patterns: list[str]) -> bool:
    return any(matches(path, pattern) for pattern in patterns) if patterns else path in _USUAL


def matches(path: str, pattern: str) -> bool:
    """Tell whether ``pattern`` means ``path``; ** stands for any folders, none too, and * stays in one."""
    words = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.fullmatch("".join(known.get(word, re.escape(word)) for word in words), path) is not None
