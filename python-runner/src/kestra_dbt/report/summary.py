"""The page that says in a minute how a run went: summary.md, which Kestra's Outputs tab shows."""

import re
from collections.abc import Iterable

from kestra_dbt.protocol import NodeFinished, Outcome, Summary
from kestra_dbt.report.results import Results, rows_of_test
from kestra_dbt.report.verdict import Verdict

SUMMARY_FILE = "summary.md"

_SLOWEST = 10
_MESSAGE_LIMIT = 600


def summary_page(results: Results, summary: Summary, end: Verdict) -> str:
    """Return the page in Markdown."""
    return "\n".join(
        [
            f"# dbt: {'stopped' if end.stopped else end.outcome.value}",
            "",
            *_why(end),
            *_counts(summary),
            *_invocations(results),
            *_failures(results.nodes),
            *_slowest(results.nodes),
        ]
    )


def _why(end: Verdict) -> list[str]:
    sentence = end.failure.sentence if end.failure else end.reason
    return [_text(sentence), ""] if sentence else []


def _counts(summary: Summary) -> list[str]:
    figures = summary.model_dump()
    names = ("nodes", "success", "warning", "failed", "skipped", "rows_affected", "seconds")
    return [
        f"| {' | '.join(name.replace('_', ' ') for name in names)} |",
        f"|{' ---: |' * len(names)}",
        f"| {' | '.join(f'{figures[name]:,}' for name in names)} |",
        "",
    ]


def _invocations(results: Results) -> Iterable[str]:
    for invocation in results.invocations.values():
        words = f"{invocation.title} {invocation.selection or ''}"
        ended = "ended early" if invocation.exit_code is None else f"exit code {invocation.exit_code}"
        tables = "".join(f", {rows:,} rows in {name}" for name, rows in invocation.tables.items())
        unwritten = "" if invocation.writes_results else ", told to write no results"
        yield f"- `{_code(words)}`: {len(invocation.nodes)} nodes{tables}, {ended}{unwritten}"
        yield from (f"  - warning: {_text(warning)[:_MESSAGE_LIMIT]}" for warning in invocation.warnings)
    yield ""


def _failures(nodes: list[NodeFinished]) -> Iterable[str]:
    for outcome, title in ((Outcome.FAILED, "Failures"), (Outcome.WARNING, "Warnings")):
        found = [node for node in nodes if node.outcome is outcome]
        if found:
            yield f"## {title}"
            yield ""
        for node in found:
            where = f" in `{_code(node.path)}`" if node.path else ""
            yield f"- **{_text(node.label)}** ({_text(node.resource_type)}, `{_code(node.unique_id)}`){where}: "
            yield f"  {_text(node.message or node.status)[:_MESSAGE_LIMIT]}"
            yield from (f"  Its rows: `{_code(rows)}`" for rows in [rows_of_test(node)] if rows)
        if found:
            yield ""


def _slowest(nodes: list[NodeFinished]) -> Iterable[str]:
    timed = sorted((node for node in nodes if node.execution_s), key=lambda node: -(node.execution_s or 0))[:_SLOWEST]
    if timed:
        yield "## Slowest nodes"
        yield ""
        yield "| node | type | seconds | rows |"
        yield "| --- | --- | ---: | ---: |"
        for node in timed:
            rows = "" if node.rows_affected is None else f"{node.rows_affected:,}"
            yield f"| `{_code(node.label)}` | {_text(node.resource_type)} | {node.execution_s:.2f} | {rows} |"
        yield ""


def _text(text: str) -> str:
    """Return ``text`` as one line in which nothing is taken for Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\>", "&gt;")


def _code(text: str) -> str:
    """Return ``text`` for a code span in a table."""
    return " ".join(text.split()).replace("`", "'").replace("|", "¦") if text.strip() else ""
