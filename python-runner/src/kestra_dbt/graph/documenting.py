"""The documentation of what a graph has built, as a single build writes it."""

import os
from pathlib import Path

from kestra_dbt.core.collection import RESULTS, Collector
from kestra_dbt.core.judgement import judge
from kestra_dbt.core.options import arguments
from kestra_dbt.core.reception import Reception
from kestra_dbt.core.supervision import supervised
from kestra_dbt.errors import RequestError
from kestra_dbt.graph.index import Index
from kestra_dbt.graph.pack import OF_THE_WHOLE
from kestra_dbt.graph.project import PackedProject
from kestra_dbt.protocol import DbtOptions, GraphCollect, Outcome, Secrets
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.results import Results
from kestra_dbt.report.verdict import Verdict
from kestra_dbt.standard_output import write_line
from kestra_dbt.stop_file import StopFile

_COMMAND = ["docs", "generate", "--static"]
_BEFORE = 2
"""Steps of the graph that are told of as dbt's: freshness of sources, and the rest."""


class Documentation:
    """Of a packed project."""

    def __init__(self, request: GraphCollect, secrets: Secrets, index: Index, pack: Path) -> None:
        """``pack``: where it is unpacked."""
        self._request = request
        self._secrets = secrets
        self._index = index
        self._pack = pack

    def write(self, folder: OutputFolder, stop_file: StopFile) -> Verdict | None:
        """Have dbt write it into ``folder``; return how that failed, or None.

        The results and the manifest of the graph stay what they are.

        Raises:
            StoppedError: it was told to stop before it began.
        """
        try:
            project = PackedProject(self._index, self._pack, own_profiles=bool(self._secrets.profiles))
        except RequestError as error:  # the results are worth telling nevertheless
            return Verdict(Outcome.FAILED, 2, error.as_failure())
        results = Results(Path(os.devnull))  # compiling is no result of a node
        reception = Reception(results, Collector(folder, OF_THE_WHOLE | RESULTS), write_line, before=_BEFORE)
        child = supervised(
            lambda _: lambda: self._generate(project), self._request, self._secrets, reception, stop_file
        )
        results.close()
        end = judge(self._request, child.exit_code, results, reception.failures, stopped=child.stopped)
        return end if end.outcome is Outcome.FAILED else None

    def _generate(self, project: PackedProject) -> int:
        from kestra_dbt.core.invocation import invoke  # noqa: PLC0415 - dbt is imported in the child alone

        manifest = project.manifest()
        project.place_seeds(manifest)  # this process alone has it
        manifest.build_parent_and_child_maps()  # type: ignore[no-untyped-call]
        given = arguments(_COMMAND, DbtOptions(**project.options()), Secrets(vars=self._index.vars), [])
        return invoke(given, manifest=manifest, check=project.check_place)
