"""What dbt, imported into this process, tells about an invocation beyond its events."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kestra_dbt.core.context import Project
from kestra_dbt.terms.commands import checks_sources
from kestra_dbt.terms.nodes import Manifest


class ClickContext:
    """dbt's own click context, which is there on its main thread while it runs."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self.manifest: Manifest | None = None

    def look(self, message: object) -> None:  # noqa: ARG002 - as it is called
        """Take project and manifest as soon as dbt has them."""
        context = click.get_current_context(silent=True)
        if context is None or not isinstance(context.obj, dict):
            return
        self._known = context.obj
        if self.manifest is None:
            self.manifest = context.obj.get("manifest")

    def checking(self, check: Callable[[Any], None]) -> Callable[[object], None]:
        """Return a callback that hands the project's configuration to ``check``, once, as soon as dbt has it."""
        checked = False

        def look(message: object) -> None:  # noqa: ARG001 - as it is called
            nonlocal checked
            config = self._known.get("runtime_config")
            if config is not None and not checked:
                checked = True
                check(config)

        return look

    def command(self) -> str:
        """Return dbt's command with its subcommand."""
        context = click.get_current_context(silent=True)
        words: list[str] = []
        while context is not None and context.parent is not None:
            words.insert(0, context.info_name or "")
            context = context.parent
        return " ".join(words) or "dbt"

    def project_root(self) -> str | None:
        """Return the folder of the project, as dbt names it; None if it has not read it."""
        config = self._known.get("runtime_config")
        return config and str(config.project_root)

    def log_path(self) -> Path | None:
        """Return the folder of dbt.log."""
        folder = getattr(self._known.get("flags"), "LOG_PATH", None)
        return Path(folder) if folder else None

    def invocation_id(self, message: Any) -> str | None:  # noqa: ANN401 - a protobuf message without types
        """Return the id that dbt's results have to bear."""
        return message.info.invocation_id or None

    def writes_results(self) -> bool:
        """Tell whether dbt is to write how its nodes ended."""
        return bool(getattr(self._known.get("flags"), "WRITE_JSON", True))

    def project(self) -> Project | None:
        """Return the project once dbt has read it."""
        config = self._known.get("runtime_config")
        if config is None:
            return None
        results = getattr(self._known.get("flags"), "OUTPUT", None) if checks_sources(self.command()) else None
        return Project(
            name=config.project_name,
            target=config.target_name,
            adapter=config.credentials.type,
            target_path=Path(config.project_target_path),
            results_path=Path(config.project_root, results) if results else None,
        )
