"""Runs some nodes of a packed project; nothing is parsed, for dbt gets the manifest that Prepare's dbt made.

A tag that only these nodes have, in the memory of this process alone, is what selects them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kestra_dbt.core.options import arguments
from kestra_dbt.graph.cache import unpacked
from kestra_dbt.graph.pack import STATE
from kestra_dbt.graph.project import PackedProject
from kestra_dbt.graph.selecting import Step, known, steps
from kestra_dbt.protocol import DbtOptions, GraphNode, Secrets

_TAG = "kestra_dbt_selected"


class Part:
    """Of a packed project: some of its nodes."""

    def __init__(self, request: GraphNode, secrets: Secrets) -> None:
        """Bring the pack to this machine, and see whether it can be used.

        Args:
            request: what to run.
            secrets: of the request.

        Raises:
            RequestError: it can't be used, or a node is not in it.
        """
        index, folder = unpacked(Path(request.pack))
        self._nodes = known(request.nodes, index)
        self._request = request
        self._index = index
        self._folder = folder
        own_profiles = bool(secrets.profiles or request.options.profiles_dir)
        self._project = PackedProject(index, folder, own_profiles=own_profiles)

    def run(self) -> int:
        """Run its nodes, and return dbt's exit code. Runs in the process of dbt."""
        if not self._nodes:
            print("Only ephemeral models: dbt runs them as parts of those that read them.", flush=True)  # noqa: T201
            return 0
        from kestra_dbt.core.adapters import close_what_is_kept  # noqa: PLC0415 - dbt is imported in the child alone

        try:
            return self._run_steps()
        finally:
            close_what_is_kept()

    def _run_steps(self) -> int:
        from kestra_dbt.core.invocation import invoke  # noqa: PLC0415 - likewise
        from kestra_dbt.graph.part_manifest import part_of  # noqa: PLC0415

        manifest = self._project.manifest()
        tested = {name: test.depends_on.nodes[0] for name, test in manifest.unit_tests.items()}
        code = 0
        for number, step in enumerate(steps(self._nodes, self._index, tested)):
            tag = f"{_TAG}_{number}"
            part = part_of(manifest, step.nodes, tag)
            self._project.place_seeds(part)
            code = max(code, invoke(self._arguments(step, tag), manifest=part, check=self._project.check_place))
            if code > 1 or (code and step.command != ["test"]):
                break
        return code

    def practise(self) -> None:
        """Have dbt work out, for nothing, what running any of the nodes needs: this process and its forks remember."""
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 - dbt is imported where it runs alone

        from kestra_dbt.graph.part_manifest import part_of  # noqa: PLC0415

        nothing = part_of(self._project.manifest(), [], _TAG)
        options = DbtOptions(**{"profiles_dir": self._request.options.profiles_dir, **self._project.options()})
        dbtRunner(nothing).invoke(["--quiet", *arguments(["list"], options, Secrets(vars=self._index.vars), [])])

    def compile_macros(self) -> Iterator[None]:
        """Have dbt compile the project's macros, one at a step."""
        from kestra_dbt.core.macros import compile_macros  # noqa: PLC0415 - likewise

        return compile_macros(self._project.manifest())

    def _arguments(self, step: Step, tag: str) -> list[str]:
        more: dict[str, Any] = {**self._project.options(), "select": [f"tag:{tag}"]}
        options = self._request.options
        if step.command[0] == "source":
            options = DbtOptions(threads=options.threads, profiles_dir=options.profiles_dir)
        else:
            more["indirect_selection"] = "empty"
        if self._index.defer and step.command[0] != "source":
            more |= {"defer": True, "state": str(self._folder / STATE), "favor_state": self._index.favor_state or None}
        if step.command == ["test"]:
            more |= dict.fromkeys(("full_refresh", "empty", "event_time_start", "event_time_end", "sample"))
        request = self._request
        args = request.args if step.command == ["build"] else []
        return arguments(step.command, options.model_copy(update=more), Secrets(vars=self._index.vars), args)
