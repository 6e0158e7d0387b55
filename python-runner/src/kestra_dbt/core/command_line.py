"""What the arguments, variables and files of an invocation say, for a dbt that can't be asked in this process."""

import json
import os
import re
from pathlib import Path

from kestra_dbt.terms.words import command_in


class CommandLine:
    """The arguments of one invocation."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments

    def command(self) -> str:
        """Return dbt's command with its subcommand; ``dbt`` if there is none, as in ``dbt --version``."""
        return command_in(self._arguments)

    def option(self, *flags: str, variable: str | None = None) -> str | None:
        """Return the value of an option by the names of its flag; else that of its variable; None if it has none."""
        for index, word in enumerate(self._arguments):
            flag, equals, value = word.partition("=")
            if flag in flags:
                return value if equals else next(iter(self._arguments[index + 1 :]), None)
        return os.environ.get(variable) or None if variable else None

    def writes_json(self) -> bool:
        """Tell whether dbt is to write its artifacts."""
        said = [word for word in self._arguments if word in ("--write-json", "--no-write-json")]
        if said:
            return said[-1] == "--write-json"
        return os.environ.get("DBT_WRITE_JSON", "").lower() not in ("0", "false", "f", "n", "no", "off")

    def project_dir(self) -> Path:
        """Return the folder of the project."""
        return Path(self.option("--project-dir", variable="DBT_PROJECT_DIR") or ".").absolute()

    def log_path(self) -> Path:
        """Return the folder of dbt.log."""
        given = self.option("--log-path", variable="DBT_LOG_PATH")
        return Path(given).absolute() if given else self.project_dir() / (self.setting("log-path") or "logs")

    def target_path(self) -> Path:
        """Return the folder of the artifacts. dbt takes it from the folder of the project on."""
        given = self.option("--target-path", variable="DBT_TARGET_PATH") or self.setting("target-path")
        return self.project_dir() / (given or "target")

    def setting(self, name: str) -> str | None:
        """Return a plain text at the top of dbt_project.yml; None if it is not there, or a template."""
        return _plain(_read(self.project_dir() / "dbt_project.yml"), name)

    def target(self) -> str:
        """Return the target of the profile, as far as it is written plainly."""
        given = self.option("--target", "-t", variable="DBT_TARGET")
        profile = self.option("--profile", variable="DBT_PROFILE") or self.setting("profile")
        if given or not profile:
            return given or ""
        return _target_in(self.profiles(), profile) or ""

    def profiles(self) -> str:
        """Return the text of the profiles.yml that dbt reads; empty if there is none."""
        folder = self.option("--profiles-dir", variable="DBT_PROFILES_DIR")
        places = [Path(folder)] if folder else [self.project_dir(), Path.home() / ".dbt"]
        return next(filter(None, (_read(place / "profiles.yml") for place in places)), "")


def _target_in(profiles: str, profile: str) -> str | None:
    try:
        found = json.loads(profiles)[profile]["target"]  # JSON is YAML too, and what a map becomes
        return found if isinstance(found, str) else None
    except (ValueError, KeyError, TypeError):
        block = re.search(rf"(?m)^{re.escape(profile)}:[ \t]*(?:#.*)?\n((?:[ \t#].*\n|\n)*)", f"{profiles}\n")
        return _plain(re.sub(r"(?m)^[ \t]+", "", block[1]), "target") if block else None


def _plain(yaml: str, name: str) -> str | None:
    found = re.search(rf"""(?m)^{re.escape(name)}:[ \t]*["']?([^"'#\n{{]+?)["']?[ \t]*(?:#.*)?$""", yaml)
    return found[1] if found else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
