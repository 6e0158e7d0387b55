"""What a translation of dbt's events has to know beyond them. Each way to run dbt has its own source of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kestra_dbt.terms.nodes import Manifest


@dataclass(frozen=True)
class Project:
    """The project and the part of its profile that is used."""

    name: str
    target: str
    adapter: str
    target_path: Path
    """Folder of the artifacts; relative to the folder in which the invocation began."""
    results_path: Path | None = None
    """File of the results, where it is named otherwise; likewise."""


class Context(Protocol):
    """Looked at while events arrive, so some of it may not be known yet."""

    @property
    def manifest(self) -> Manifest | None:
        """Return the manifest as soon as there is one."""

    def look(self, message: Any) -> None:  # noqa: ANN401 - a protobuf message without types, or the JSON of one
        """Look again: an event has arrived."""

    def command(self) -> str:
        """Return dbt's command with its subcommand, as ``docs generate``."""

    def log_path(self) -> Path | None:
        """Return the folder of dbt.log."""

    def invocation_id(self, message: Any) -> str | None:  # noqa: ANN401 - as in `look`
        """Return the id that dbt's results have to bear; None if that can't be told."""

    def writes_results(self) -> bool:
        """Tell whether dbt is to write how its nodes ended."""

    def project(self) -> Project | None:
        """Return the project as soon as it is known."""
