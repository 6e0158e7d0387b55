"""Names of artifacts: plain ones for those of the last invocation that has them, and one a file by its invocation."""

from kestra_dbt.report.output import OutputFolder

ARTIFACTS = {
    "manifest.json": "manifest.json",
    "run_results.json": "run_results.json",
    "catalog.json": "catalog.json",
    "sources.json": "sources.json",
    "semantic_manifest.json": "semantic_manifest.json",
    "static_index.html": "docs.html",
}
"""Names in dbt's target folder, and those that users look up."""


class ArtifactNames:
    """Announces what is in the folders of the output that are named after invocations."""

    def __init__(self, output: OutputFolder) -> None:
        self._output = output
        self._by_invocation: dict[str, list[str]] = {}
        self._results_of_nodes = False

    def announce(self, invocation: str, names: list[str], *, ran_nodes: bool) -> None:
        """Make known the files of an invocation, under their plain names."""
        for name in names:
            # A documentation step writes run results too; they don't hide those of the build.
            if name != "run_results.json" or ran_nodes or not self._results_of_nodes:
                self._output.announce(name, f"{invocation}/{name}")
        self._results_of_nodes |= ran_nodes and "run_results.json" in names
        self._by_invocation[invocation] = names

    def announce_by_invocation(self) -> None:
        """Where there were several invocations, make the artifacts of each one known under its name, too."""
        if len(self._by_invocation) > 1:
            for invocation, names in self._by_invocation.items():
                for name in names:
                    self._output.announce(f"{invocation}/{name}")
