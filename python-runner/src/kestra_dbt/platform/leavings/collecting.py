"""All that a run leaves, brought into the output folder: what each step wrote, its logs, its nodes."""

import contextlib
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.errors import PlatformError, TokenRefusedError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.statuses import CANCELLED, SUCCESS, step_has_ended
from kestra_dbt.platform.leavings.identity import identity
from kestra_dbt.platform.progress import moment
from kestra_dbt.platform.steps import DbtStep, dbt_steps, in_order, title
from kestra_dbt.platform.telling import Telling
from kestra_dbt.platform.watch import InterruptedWaitError, Watch
from kestra_dbt.protocol import InvocationFinished, Level, NodeFinished, Outcome
from kestra_dbt.report.artifact_names import ARTIFACTS, ArtifactNames
from kestra_dbt.report.from_files import events_of
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.results import Results
from kestra_dbt.terms.commands import checks_sources, runs_nodes

_FILES = {**ARTIFACTS, "index.html": "index.html"}

_SQL = ("compiled/", "run/")

_NOTHING = re.compile(r"Nothing to do\.|No nodes selected|does not match any")
"""What dbt says if it has no nodes to work on; it leaves no results then."""


def is_safe(path: str) -> bool:
    """Tell whether a path that the platform names stays below the folder where it is put."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\\" not in path and path.isprintable()


class Collection:
    """Of one run. What cannot be had is told, and costs neither the rest nor the run."""

    def __init__(self, api: Api, watch: Watch, folder: OutputFolder, results: Results, telling: Telling) -> None:
        self._api = api
        self._watch = watch
        self._folder = folder
        self._results = results
        self._telling = telling
        self._names = ArtifactNames(folder)
        self._done: set[int] = set()
        self._writers: dict[tuple[str, str], int] = {}
        self.lost: list[str] = []
        """What could not be brought, in words."""

    def bring(self, run: Run, *, compiled: bool) -> None:
        """Bring what ``run`` has left, and tell of it; after an interruption, go on where it was.

        Args:
            run: with its steps and their debug logs.
            compiled: bring its SQL, too.
        """
        listed = self._listed(run)
        steps = [found for found in dbt_steps(run) if found.step.status is not None and _has_begun(found)]
        for found in steps:
            self._step(run, found, listed)
        if compiled and steps:
            worked = [found for found in steps if runs_nodes(found.command)] or steps
            self._sql(run, worked[-1], listed)
        self._whole_log(run)
        self._names.announce_by_invocation()

    def _listed(self, run: Run) -> list[str]:
        with self._told("the list of artifacts"):
            return self._api.artifacts(run.id)
        return []

    def _step(self, run: Run, found: DbtStep, listed: list[str]) -> None:
        if found.invocation in self._done:
            return
        invocation = self._results.invocation(found.invocation)
        invocation.command, invocation.selection = found.command, found.selection
        names: list[str] = []
        try:
            names += self._logs(found, invocation.name)
            for source, name in _FILES.items():
                if source in listed and self._file(run, found, source, f"{invocation.name}/{name}"):
                    names.append(name)
        except InterruptedWaitError:
            if not self._watch.in_grace:  # there is time for it, yet
                raise
            self._tell(found, names)
            raise
        except TokenRefusedError:
            self._tell(found, names)
            raise
        self._tell(found, names)

    def _tell(self, found: DbtStep, names: list[str]) -> None:
        """Tell what a step did, as far as it could be brought: once."""
        self._done.add(found.invocation)
        invocation = self._results.invocation(found.invocation)
        invocation.artifacts = names
        invocation.unknown = _results_of(found) not in names and not _NOTHING.search(found.step.logs or "")
        failed = self._nodes(found, invocation.name, names)
        invocation.exit_code = _exit_code(found, failed=failed)
        at = moment(found.step.finished_at)
        self._telling.emit(InvocationFinished(invocation=found.invocation, exit_code=invocation.exit_code, at=at))
        self._names.announce(invocation.name, names, ran_nodes=runs_nodes(found.command))

    def _file(self, run: Run, found: DbtStep, source: str, file: str) -> bool:
        """Bring one of a step's own files; one that an earlier step left in the target folder is not."""
        path = self._folder.path(file)
        with self._told(file):
            if self._api.download(run.id, source, path, step=found.step.index):
                writer = self._writers.setdefault((source, identity(path)), found.invocation)
                if writer == found.invocation:
                    return True
                path.unlink()
        return False

    def _logs(self, found: DbtStep, folder: str) -> list[str]:
        texts = {
            "dbt.log": found.step.debug_logs or found.step.truncated_debug_logs or found.step.logs,
            "log.txt": found.step.logs,
        }
        return [name for name, text in texts.items() if text and self._text(f"{folder}/{name}", text)]

    def _text(self, file: str, text: str) -> bool:
        with self._told(file):
            self._folder.path(file).write_bytes(text.encode("utf-8", "replace"))
            return True
        return False

    def _nodes(self, found: DbtStep, folder: str, names: list[str]) -> bool:
        """Tell of a step's nodes; True if one of them failed."""
        results, failed = _results_of(found), False
        if results in names:
            manifest = self._folder.path(f"{folder}/manifest.json")
            known = manifest if manifest.is_file() else None
            for event in events_of(
                found.invocation, found.command, self._folder.path(f"{folder}/{results}"), known, _target(found)
            ):
                if isinstance(event, NodeFinished):
                    self._results.finished(event)
                    failed |= event.outcome is Outcome.FAILED
                self._telling.emit(event)
        return failed

    def _whole_log(self, run: Run) -> None:
        logs = [f"==== {title(step)}\n{step.logs.rstrip()}\n" for step in in_order(run) if step.logs]
        if logs and self._text("log.txt", "\n".join(logs)):
            self._folder.announce("log.txt")

    def _sql(self, run: Run, found: DbtStep, listed: list[str]) -> None:
        wanted = [path for path in listed if path.startswith(_SQL) and is_safe(path)]
        if not wanted:
            return
        folder = self._results.invocation(found.invocation).name
        part = self._folder.path(f"{folder}/.sql")
        with self._told("target.zip"):
            with zipfile.ZipFile(
                self._folder.path("target.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=1
            ) as archive:
                for path in wanted:
                    if self._api.download(run.id, path, part, step=found.step.index):
                        archive.write(part, path)
            self._folder.announce("target.zip")
        part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Tell what kept something from being brought, and go on."""
        try:
            yield
        except TokenRefusedError:
            raise
        except PlatformError as error:
            self._lose(what, error.sentence)
        except OSError as error:
            self._lose(what, f"{error.strerror}: {error.filename}")

    def _lose(self, what: str, why: str) -> None:
        self.lost.append(what)
        self._telling.say(Level.WARN, f"{what} could not be brought: {why}")


def missing(run: Run, results: Results) -> Iterator[str]:
    """Yield, in words, which steps that ended well left no results of their nodes."""
    for found in dbt_steps(run):
        invocation = results.invocation(found.invocation)
        if found.step.status == SUCCESS and runs_nodes(found.command) and invocation.unknown:
            yield f"`{invocation.title}` left no {_results_of(found)} on the platform, so its nodes are not known"


def _results_of(found: DbtStep) -> str:
    return "sources.json" if checks_sources(found.command) else "run_results.json"


def _target(found: DbtStep) -> str:
    """Return the name of the target, which dbt says with the number of its threads."""
    said = re.search(r"\(target='([^']*)'\)", found.step.logs or "")
    return said[1] if said else ""


def _has_begun(found: DbtStep) -> bool:
    return bool(found.step.started_at or found.step.logs) or step_has_ended(found.step)


def _exit_code(found: DbtStep, *, failed: bool) -> int:
    if found.step.status == SUCCESS:
        return 0
    if found.step.status == CANCELLED:
        return 130
    return 1 if failed else 2
