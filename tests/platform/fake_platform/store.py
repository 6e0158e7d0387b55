"""All state of the fake, in one place: tables in memory, written through to a database in its folder."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from fake_platform.clock import now, with_t
from fake_platform.records import Behaviour, Delivery, Received, RunRecord, Settings, StepRecord
from fake_platform.wire import Account, Connection, Environment, Job, Project, Subscription

Row = TypeVar("Row", bound=BaseModel)

LARGE = 70_471_800_000_000


class Table(Generic[Row]):
    """Rows by key, in the order in which they came. Rows are frozen: a change puts another in its place."""

    def __init__(self, store: Store, name: str, model: type[Row]) -> None:
        self._store, self._name = store, name
        found = store.database.execute("SELECT key, json FROM rows WHERE name = ? ORDER BY rowid", (name,))
        self._rows: dict[str, Row] = {key: model.model_validate_json(json) for key, json in found}

    def get(self, key: int | str) -> Row | None:
        """Return a row, or None."""
        return self._rows.get(str(key))

    def put(self, key: int | str, row: Row) -> Row:
        """Add a row, or put it in the place of the one with this key."""
        with self._store.lock:
            self._rows[str(key)] = row
            self._store.database.execute(
                "INSERT INTO rows VALUES (?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET json = excluded.json",
                (self._name, str(key), row.model_dump_json()),
            )
        return row

    def change(self, key: int | str, **changes: Any) -> Row:  # noqa: ANN401 - values of the row's fields
        """Change fields of a row that is there, and return the new one."""
        with self._store.lock:
            return self.put(key, self._rows[str(key)].model_copy(update=changes))

    def delete(self, key: int | str) -> None:
        """Take a row away, if it is there."""
        with self._store.lock:
            self._rows.pop(str(key), None)
            self._store.database.execute("DELETE FROM rows WHERE name = ? AND key = ?", (self._name, str(key)))

    def clear(self) -> None:
        """Take all rows away."""
        with self._store.lock:
            self._rows.clear()
            self._store.database.execute("DELETE FROM rows WHERE name = ?", (self._name,))

    def __iter__(self) -> Iterator[Row]:
        with self._store.lock:
            return iter(list(self._rows.values()))


class Store:
    """The state. Hold `lock` for what has to be seen or changed as one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.lock = threading.RLock()
        self.database = sqlite3.connect(folder / "state.db", check_same_thread=False, isolation_level=None)
        self.database.execute("PRAGMA synchronous = OFF")  # it outlives this process, not the machine
        self.database.execute("CREATE TABLE IF NOT EXISTS rows (name, key, json, UNIQUE (name, key))")
        self._counters = Table(self, "counters", Counter)
        self._settings = Table(self, "settings", Settings)
        self.accounts = Table(self, "accounts", Account)
        self.projects = Table(self, "projects", Project)
        self.project_folders = Table(self, "project_folders", Folder)
        self.environments = Table(self, "environments", Environment)
        self.connections = Table(self, "connections", Connection)
        self.jobs = Table(self, "jobs", Job)
        self.behaviours = Table(self, "behaviours", Behaviour)
        self.runs = Table(self, "runs", RunRecord)
        self.steps = Table(self, "steps", StepRecord)
        self.subscriptions = Table(self, "subscriptions", Subscription)
        self.deliveries = Table(self, "deliveries", Delivery)
        self.received = Table(self, "received", Received)

    @property
    def settings(self) -> Settings:
        """The switches as they are now."""
        return self._settings.get("now") or Settings()

    def change_settings(self, **changes: Any) -> Settings:  # noqa: ANN401 - values of its fields
        """Change some switches.

        Raises:
            ValueError: there is no such switch, or it takes no such value.
        """
        with self.lock:
            return self._settings.put("now", Settings.model_validate({**self.settings.model_dump(), **changes}))

    @property
    def account(self) -> Account:
        """The one account, with as many run slots as there are now."""
        (account,) = self.accounts
        return account.model_copy(update={"run_slots": self.settings.run_slots})

    def new_id(self, first: int) -> int:
        """Return an id that was never given, small or large as the settings say.

        Args:
            first: of the small ids of this kind of object; kinds are told apart by it.
        """
        with self.lock:
            count = (self._counters.get(first) or Counter()).count
            self._counters.put(first, Counter(count=count + 1))
        return (LARGE if self.settings.large_ids else 0) + first + count

    def behaviour(self, job_id: int) -> Behaviour:
        """How runs of a job are carried out: as was said of it, else as of all."""
        return self.behaviours.get(job_id) or self.behaviours.get("all") or Behaviour()

    def steps_of(self, run: RunRecord) -> list[StepRecord]:
        """The steps of a run that were begun, in order."""
        return [step for step_id in run.step_ids if (step := self.steps.get(step_id))]

    def change_run(self, run_id: int, **changes: Any) -> RunRecord:  # noqa: ANN401 - values of its fields
        """Change fields of a run, and when it was changed."""
        return self.runs.change(run_id, updated_at=now(), **changes)

    def add_project(self, name: str, folder: Path) -> tuple[Project, Environment]:
        """Add a project with an environment for its jobs."""
        account_id, at = self.account.id, with_t(now(), self.settings.clock_skew_s)
        connection = Connection(id=self.new_id(31), account_id=account_id, name=f"Warehouse of {name}")
        project = Project(
            id=self.new_id(55),
            account_id=account_id,
            name=name,
            connection_id=connection.id,
            created_at=at,
            updated_at=at,
        )
        environment = Environment(
            id=self.new_id(77),
            account_id=account_id,
            project_id=project.id,
            name="Prod",
            connection_id=connection.id,
            credentials_id=self.new_id(41),
        )
        with self.lock:
            self.connections.put(connection.id, connection)
            self.projects.put(project.id, project)
            self.project_folders.put(project.id, Folder(path=str(folder.resolve())))
            self.environments.put(environment.id, environment)
        return project, environment

    def project_folder(self, project_id: int) -> Path:
        """Where the files of a project are that its runs clone."""
        folder = self.project_folders.get(project_id)
        if folder is None:
            raise LookupError(f"Project {project_id} has no folder.")
        return Path(folder.path)


class Counter(BaseModel):
    """How many ids were given."""

    count: int = 0


class Folder(BaseModel):
    """A folder of this machine."""

    path: str
