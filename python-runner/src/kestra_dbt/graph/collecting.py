"""Carries out the request that makes one run of the results of all parts of a graph.

Only the documentation needs a dbt.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from kestra_dbt.graph.cache import unpacked
from kestra_dbt.graph.index import Index
from kestra_dbt.graph.merging import Entry, edges_with_tests, left_out, merged
from kestra_dbt.graph.pack import MANIFEST
from kestra_dbt.graph.promoting import RUN, promotion
from kestra_dbt.protocol import GraphCollect, NodeFinished, Outcome, Secrets
from kestra_dbt.report.ending import report_end
from kestra_dbt.report.failed_nodes import of_nodes
from kestra_dbt.report.from_files import events_of
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.results import NODES_FILE, Results
from kestra_dbt.report.warnings import passed
from kestra_dbt.standard_output import write_event
from kestra_dbt.stop_file import StopFile
from kestra_dbt.terms.edges import edges_of

_RUN_RESULTS = "run_results.json"
_SOURCES = "sources.json"


def collect(request: GraphCollect, secrets: Secrets, output: Path, stop_file: StopFile) -> int:
    """Carry out ``request``, and return the exit code.

    Raises:
        RequestError: the pack can't be used.
        StoppedError: it was told to stop before dbt had begun with the documentation.
    """
    index, pack = unpacked(Path(request.pack))
    folder = OutputFolder(output, write_event)
    results = Results(folder.path(NODES_FILE))
    shutil.copyfile(pack / MANIFEST, folder.path(MANIFEST))
    folder.announce(MANIFEST)
    _take_results(request, index, pack, folder, results)
    results.close()
    folder.announce(NODES_FILE)
    lost = [part.task for part in request.parts if not part.files]
    promoted = promotion(index, results.nodes, lost, _files(request, _RUN_RESULTS), request.exclude)
    if promoted:
        write_event(promoted)
    summary = results.summary(_seconds(folder))
    wrong = None
    if _wants_docs(request, results):
        from kestra_dbt.graph.documenting import Documentation  # noqa: PLC0415 - most have no need of it

        wrong = Documentation(request, secrets, index, pack).write(folder, stop_file)
    end = wrong or passed(results, request.judgement, doubts=_doubts(results, lost))
    report_end(end, results, summary, folder, write_event)
    return end.exit_code


def _take_results(request: GraphCollect, index: Index, pack: Path, folder: OutputFolder, results: Results) -> None:
    told: list[Entry] = []
    for number, (name, command) in enumerate(((_SOURCES, "source freshness"), (_RUN_RESULTS, "build")), start=1):
        whole = merged(_files(request, name))
        if whole is None:
            continue
        told += whole["results"]
        if name == _RUN_RESULTS:
            whole["results"] += _left_out(told, request, index, pack)
        folder.path(name).write_text(json.dumps(whole), encoding="utf-8")
        folder.announce(name)
        results.invocation(number).command = command
        for event in events_of(number, command, folder.path(name), folder.path(MANIFEST), index.place.target):
            if isinstance(event, NodeFinished):
                results.finished(event)
                write_event(event)
        results.invocation(number).exit_code = 0  # the graph has failed already, if a node has


def _files(request: GraphCollect, name: str) -> list[Path]:
    return [Path(file) for part in request.parts for file in part.files if file.endswith(name)]


def _wants_docs(request: GraphCollect, results: Results) -> bool:
    return request.generate_docs and bool(results.nodes) and not _has_failed(results)


def _left_out(results: list[Entry], request: GraphCollect, index: Index, pack: Path) -> list[Entry]:
    known = edges_of(pack / MANIFEST)
    edges = edges_with_tests(known.children, known.parents)
    graph = [node for node in request.nodes if index.nodes.get(node) in RUN]
    return left_out(results, graph, [node for node, kind in index.nodes.items() if kind in RUN], edges)


def _doubts(results: Results, lost: list[str]) -> Iterator[str]:
    """Yield what makes it a warning: the graph itself has failed then."""
    if _has_failed(results):
        yield of_nodes(results.nodes).sentence.rstrip(".")
    if lost:
        yield f"{', '.join(lost[:5])} left no results, so what became of their nodes is not known"


def _has_failed(results: Results) -> bool:
    return any(node.outcome is Outcome.FAILED for node in results.nodes)


def _seconds(folder: OutputFolder) -> float:
    """Return the time from the first node's begin to the last one's end."""
    file = folder.path(_RUN_RESULTS)
    return float(json.loads(file.read_bytes())["elapsed_time"]) if file.is_file() else 0.0
