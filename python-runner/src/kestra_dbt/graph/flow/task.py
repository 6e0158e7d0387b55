"""Writes the flow for a task of Kestra: as an artifact, and onto a server."""

from collections.abc import Set
from pathlib import Path

from kestra_dbt.errors import KestraDbtError
from kestra_dbt.graph.flow.deployment import Deployed, account, deploy, told
from kestra_dbt.graph.flow.making import is_whole, make, settled, whole_manifest
from kestra_dbt.graph.flow.manifest import Manifest, read
from kestra_dbt.graph.pack import MANIFEST
from kestra_dbt.protocol import Ended, FlowWritten, GraphFlow, KestraLogin, Outcome, Secrets, Summary
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.results import Results
from kestra_dbt.report.verdict import Verdict
from kestra_dbt.standard_output import write_event, write_plain

FLOW_FILE = "flow.yaml"
"""Name of the artifact."""

_WAY_IN = "`apiToken`, or `username` and `password`"


def flow_of_manifest(request: GraphFlow, manifest: str, secrets: Secrets, output: Path) -> int:
    """Carry out a request that names a manifest, and return the exit code. Needs no dbt.

    Raises:
        KestraDbtError: the flow can't be written, or Kestra does not take it.
    """
    _write(request, secrets, OutputFolder(output, write_event), whole_manifest(request, manifest, secrets), None)
    write_event(Ended(outcome=Outcome.SUCCESS, exit_code=0, summary=Summary()))
    return 0


def flow_of_listing(
    request: GraphFlow, secrets: Secrets, results: Results, folder: OutputFolder, chosen: Set[str]
) -> Verdict | None:
    """Write the flow of what dbt has listed last; return why the run failed after all."""
    last = max(results.invocations.values(), key=lambda invocation: invocation.number)
    try:
        _write(request, secrets, folder, read(folder.path(f"{last.name}/{MANIFEST}")), chosen)
    except KestraDbtError as error:
        return Verdict(Outcome.FAILED, 2, error.as_failure())
    return None


def _write(
    request: GraphFlow, secrets: Secrets, folder: OutputFolder, manifest: Manifest, chosen: Set[str] | None
) -> None:
    made = make(settled(request), manifest, chosen, whole=is_whole(request))
    _say(*made.notes)
    folder.path(FLOW_FILE).write_text(made.text, encoding="utf-8")
    folder.announce(FLOW_FILE)
    namespace, flow_id = str(made.flow.content["namespace"]), str(made.flow.content["id"])
    _say(f"{namespace}.{flow_id}: {made.flow.tasks} tasks.")
    deployed: Deployed | None = None
    if request.deploy_to:
        there = account(request.deploy_to, request.tenant, secrets.kestra or KestraLogin(), _WAY_IN)
        deployed = deploy(made.flow.content, made.text, there)
        _say(told(made.flow.content, deployed, there))
    write_event(FlowWritten(namespace=namespace, flow_id=flow_id, tasks=made.flow.tasks, deployed=deployed))


def _say(*lines: str) -> None:
    for line in "\n".join(lines).splitlines():
        write_plain(line.encode())
