"""What the nodes of a run came to: the table (nodes.ion) and the figures."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from kestra_dbt.protocol import Level, Log, NodeFinished, NodeStarted, Outcome, Summary

NODES_FILE = "nodes.ion"
"""Kestra previews .ion as a table. A line of JSON is a line of Ion."""


@dataclass
class Invocation:
    """A dbt invocation as its events tell it."""

    number: int
    command: str = ""
    """dbt's command with its subcommand; empty until it says so."""
    selection: str | None = None
    writes_results: bool = True
    """Whether it is to write them into a file."""
    unknown: bool = False
    """Whether how its nodes ended cannot be known."""
    exit_code: int | None = None
    nodes: list[NodeFinished] = field(default_factory=list)
    running: dict[str, NodeStarted] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    """Its own first warnings, as lines."""
    warned: dict[str, int] = field(default_factory=dict)
    """How often it warned, by dbt's names of the events."""
    artifacts: list[str] = field(default_factory=list)
    """Names of what dbt wrote and was collected."""
    retried: bool = False
    """Whether what failed in it was run again."""
    tables: dict[str, int] = field(default_factory=dict)
    """Tables that are its very result, as the rows of `show`, each with its number of rows."""

    @property
    def name(self) -> str:
        """A name for files: ``2-docs-generate``."""
        return "-".join([str(self.number), *self.command.split()])

    @property
    def title(self) -> str:
        """A name for sentences: ``dbt docs generate``."""
        return f"dbt {self.command}".strip()


def rows_of_test(test: NodeFinished) -> str | None:
    """Return where the rows that failed ``test`` are, for people; None if nothing tells."""
    if not test.query or test.query.startswith("select "):
        return test.query
    return f"{test.query} in target.zip"


class Results:
    """Collects node results as they come; the table is on disk at any time, should this process be killed."""

    def __init__(self, table: Path) -> None:
        self._file = table
        self._table: TextIO = table.open("w", encoding="utf-8", buffering=1)
        self._positions: dict[tuple[int, str], int] = {}
        self._outdated = False
        self.invocations: dict[int, Invocation] = {}
        self.begun = 0
        """How many times a script started dbt, whether anything was heard of it or not."""

    def invocation(self, number: int) -> Invocation:
        """Return an invocation by its number."""
        return self.invocations.setdefault(number, Invocation(number))

    def started(self, event: NodeStarted) -> None:
        """Note a node that dbt took up."""
        self.invocation(event.invocation).running[event.unique_id] = event

    def finished(self, event: NodeFinished) -> None:
        """Note a node that dbt is done with."""
        invocation = self.invocation(event.invocation)
        invocation.running.pop(event.unique_id, None)
        self._positions[event.invocation, event.unique_id] = len(invocation.nodes)
        invocation.nodes.append(event)
        self._table.write(_row(event))

    def completed(self, event: NodeFinished) -> bool:
        """Take what is told once more, complete, in the place of what was told before; False if nothing was."""
        position = self._positions.get((event.invocation, event.unique_id))
        if position is None:
            return False
        self.invocation(event.invocation).nodes[position] = event
        self._outdated = True
        return True

    def logged(self, event: Log) -> None:
        """Keep the first warnings of an invocation itself, for the summary page."""
        warnings = self.invocation(event.invocation).warnings
        if event.level is Level.WARN and event.unique_id is None and len(warnings) < 20:  # noqa: PLR2004 - a page, not a log
            warnings.append(event.message)

    def let_retries_count(self) -> None:
        """From now on, only the last result of a node counts; the table keeps all."""
        last = {
            node.unique_id: invocation.number for invocation in self.invocations.values() for node in invocation.nodes
        }
        for invocation in self.invocations.values():
            count = len(invocation.nodes)
            invocation.nodes = [node for node in invocation.nodes if last[node.unique_id] == invocation.number]
            invocation.retried = len(invocation.nodes) < count

    def close(self) -> None:
        """Finish the table."""
        self._table.close()
        if self._outdated:
            with self._file.open("w", encoding="utf-8") as table:
                table.writelines(map(_row, self.nodes))

    @property
    def retried(self) -> bool:
        """Whether nodes that failed were run again, as a part of the same."""
        return any(invocation.retried for invocation in self.invocations.values())

    @property
    def tables(self) -> dict[str, int]:
        """Tables that are the very result of a command, each with its number of rows."""
        return {name: rows for invocation in self.invocations.values() for name, rows in invocation.tables.items()}

    @property
    def nodes(self) -> list[NodeFinished]:
        """All node results, in the order in which they came."""
        return [node for invocation in self.invocations.values() for node in invocation.nodes]

    def summary(self, seconds: float) -> Summary:
        """Return the figures."""
        counts = Counter(node.outcome for node in self.nodes)
        return Summary(
            nodes=len(self.nodes),
            success=counts[Outcome.SUCCESS],
            warning=counts[Outcome.WARNING],
            failed=counts[Outcome.FAILED],
            skipped=counts[Outcome.SKIPPED],
            rows_affected=sum(node.rows_affected or 0 for node in self.nodes),
            invocations=len(self.invocations),
            seconds=round(seconds, 3),
        )


def _row(event: NodeFinished) -> str:
    return event.model_dump_json(exclude={"version", "kind", "index", "total"}) + "\n"
