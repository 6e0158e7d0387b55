"""What is known of a dbt that is run as a command, beyond its events: from its arguments and from what it writes."""

import contextlib
import time
from pathlib import Path

from kestra_dbt.core.command_line import CommandLine
from kestra_dbt.core.context import Project
from kestra_dbt.terms.commands import checks_sources
from kestra_dbt.terms.fields import Fields
from kestra_dbt.terms.written import WrittenManifest, results_of

_CLOCK_TICK_S = 0.02
"""File times may lag behind the clock by a tick of the kernel."""


class CommandContext:
    """Begins with the invocation."""

    def __init__(self, line: CommandLine) -> None:
        self._line = line
        self._since = time.time() - _CLOCK_TICK_S
        self._target_path = line.target_path()
        self._target = line.target()
        self._adapter = ""
        self._settled = False
        self.manifest: WrittenManifest | None = None

    def look(self, message: Fields) -> None:
        """Take what an event tells of the project, and read the manifest before the first node."""
        name, data = message.info.name, message.data
        if name == "AdapterRegistered":
            self._adapter = data.adapter_name or ""
        elif name == "ArtifactWritten" and isinstance(data.artifact_path, str):
            self._note_artifact(self._line.project_dir() / data.artifact_path)
        elif name == "ConcurrencyLine":
            self._target = data.target_name or self._target
            self._settled = True
        elif data.node_info:
            self._settled = True
            if self.manifest is None:
                self._read_manifest()

    def command(self) -> str:
        """Return dbt's command with its subcommand."""
        return self._line.command()

    def log_path(self) -> Path:
        """Return the folder of dbt.log."""
        return self._line.log_path()

    def invocation_id(self, message: Fields) -> str | None:  # noqa: ARG002 - as it is called
        """Return none: that a dbt of any make bears the same id in its log and in its results is not known."""
        return None

    def writes_results(self) -> bool:
        """Tell whether dbt is to write how its nodes ended."""
        return self._line.writes_json()

    def project(self) -> Project | None:
        """Return the project once dbt is at its nodes, for then there is nothing more to learn about it."""
        if not self._settled:
            return None
        metadata = self.manifest.metadata if self.manifest else Fields()
        name = metadata.project_name or self._line.setting("name") or ""
        adapter = metadata.adapter_type or self._adapter
        return Project(name, self._target, adapter, self._target_path, self._results_path())

    def results(self) -> Fields:
        """Return what dbt wrote about its nodes, now that it has ended."""
        self._settled = True
        if self.manifest is None:
            self._read_manifest()
        name = "sources.json" if checks_sources(self.command()) else "run_results.json"
        file = self._results_path() or self._target_path / name
        return results_of(file) if self._is_new(file) else Fields(results=[])

    def _results_path(self) -> Path | None:
        named = self._line.option("--output", "-o") if checks_sources(self.command()) else None
        return self._line.project_dir() / named if named else None

    def _note_artifact(self, file: Path) -> None:
        if file.name in ("manifest.json", "run_results.json"):
            self._target_path = file.parent
        if file.name == "manifest.json":
            self._read_manifest()

    def _read_manifest(self) -> None:
        file = self._target_path / "manifest.json"
        if self._is_new(file):
            with contextlib.suppress(OSError, ValueError):  # names for people are not worth a failure
                self.manifest = WrittenManifest(file)

    def _is_new(self, file: Path) -> bool:
        return file.is_file() and file.stat().st_mtime >= self._since
