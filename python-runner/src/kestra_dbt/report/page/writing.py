"""Puts the page of a run together, and into the output folder."""

from typing import Any

from kestra_dbt.protocol import Outcome, Summary
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.page.assembly import page
from kestra_dbt.report.page.lineage import lineage_of, parents_of
from kestra_dbt.report.page.nodes import FIELDS, nodes_of
from kestra_dbt.report.page.sql import compiled_sql
from kestra_dbt.report.results import Invocation, Results
from kestra_dbt.report.verdict import Verdict

REPORT_FILE = "report.html"


def write_page(results: Results, summary: Summary, end: Verdict, folder: OutputFolder) -> None:
    """Write the page of a run, the other artifacts of which are there."""
    folder.path(REPORT_FILE).write_text(page(_data(results, summary, end, folder)), encoding="utf-8")
    folder.announce(REPORT_FILE)


def _data(results: Results, summary: Summary, end: Verdict, folder: OutputFolder) -> dict[str, Any]:
    nodes = nodes_of(results)
    lineage = lineage_of([str(row[0]) for row in nodes.rows], parents_of(folder.announced("manifest.json")))
    told = [node.unique_id for outcome in _TOLD for node in results.nodes if node.outcome is outcome]
    return {
        "outcome": "stopped" if end.stopped else end.outcome.value,
        "reason": end.failure.sentence if end.failure else end.reason,
        "began": nodes.began and round(nodes.began.timestamp() * 1000),
        "summary": summary.model_dump(),
        "invocations": [_invocation(invocation) for invocation in results.invocations.values()],
        "fields": FIELDS,
        "nodes": nodes.rows,
        "others": lineage.others,
        "edges": lineage.edges,
        "sql": compiled_sql(folder.announced("run_results.json"), told),
    }


_TOLD = (Outcome.FAILED, Outcome.WARNING)
"""Outcomes of nodes that people look into, in the order in which they do."""


def _invocation(invocation: Invocation) -> dict[str, Any]:
    return {
        "number": invocation.number,
        "title": invocation.title,
        "selection": invocation.selection,
        "exit_code": invocation.exit_code,
        "nodes": len(invocation.nodes),
        "warnings": invocation.warnings,
    }
