"""Runs some nodes of a packed project; nothing is parsed, for dbt gets the manifest that Prepare's dbt made.

A tag that only these nodes have, in the memory of this process alone, is what selects them.
"""

import importlib.metadata
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kestra_dbt.core.options import arguments
from kestra_dbt.engine import can_import_dbt
from kestra_dbt.errors import RequestError
from kestra_dbt.graph.cache import unpacked
from kestra_dbt.graph.index import Index
from kestra_dbt.graph.pack import PARSED, PROJECT, STATE
from kestra_dbt.graph.selecting import Step, known, steps
from kestra_dbt.protocol import GraphNode, Secrets

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_FOLDER = Path(".kestra-dbt") / "project"
_TAG = "kestra_dbt_selected"


class Part:
    """Of a packed project: some of its nodes."""

    def __init__(self, request: GraphNode, *, own_profiles: bool) -> None:
        """Bring the pack to this machine, and see whether it can be used.

        Args:
            request: what to run.
            own_profiles: whether the task has profiles, so that those of the project don't count.

        Raises:
            RequestError: it can't be used, or a node is not in it.
        """
        index, folder = unpacked(Path(request.pack))
        self._nodes = known(request.nodes, index)
        check_version(index)
        self._request = request
        self._index = index
        self._folder = folder
        self._project = _private_copy(folder / PROJECT)
        self._own_profiles = own_profiles

    def run(self) -> int:
        """Run its nodes, and return dbt's exit code. Runs in the process of dbt."""
        if not self._nodes:
            print("Only ephemeral models: dbt runs them as parts of those that read them.", flush=True)  # noqa: T201
            return 0
        from kestra_dbt.core.invocation import invoke  # noqa: PLC0415 - dbt is imported in the child alone
        from kestra_dbt.graph.part_manifest import part_of, read_manifest  # noqa: PLC0415

        manifest = read_manifest(self._folder / PARSED)
        tested = {name: test.depends_on.nodes[0] for name, test in manifest.unit_tests.items()}
        code = 0
        for number, step in enumerate(steps(self._nodes, self._index, tested)):
            tag = f"{_TAG}_{number}"
            part = part_of(manifest, step.nodes, tag)
            self._place_seeds(part)
            code = max(code, invoke(self._arguments(step, tag), manifest=part, check=self._check_place))
            if code > 1 or (code and step.command != ["test"]):
                break
        return code

    def practise(self) -> None:
        """Have dbt work out, for nothing, what running any of the nodes needs: this process and its forks remember."""
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 - dbt is imported where it runs alone

        from kestra_dbt.graph.part_manifest import part_of, read_manifest  # noqa: PLC0415

        nothing = part_of(read_manifest(self._folder / PARSED), [], _TAG)
        dbtRunner(nothing).invoke(["--quiet", *self._arguments(Step(["list"], []), _TAG)])

    def _place_seeds(self, manifest: "Manifest") -> None:
        """Tell where the files of seeds are now; adapters that load them themselves look there."""
        from dbt.contracts.graph.nodes import SeedNode  # noqa: PLC0415 - dbt is imported in the child alone

        for node in manifest.nodes.values():
            if isinstance(node, SeedNode):
                own = node.package_name == self._index.project
                packages = self._project / self._index.packages
                node.root_path = str(self._project if own else packages / node.package_name)

    def _arguments(self, step: Step, tag: str) -> list[str]:
        more: dict[str, Any] = {
            "project_dir": str(self._project),
            "profile": self._index.profile,
            "target": self._index.target,
            "select": [f"tag:{tag}"],
        }
        if not self._own_profiles and (self._project / "profiles.yml").is_file():
            more["profiles_dir"] = str(self._project)
        options = self._request.options
        if step.command[0] in ("source", "list"):
            kept = {"threads": options.threads, "profiles_dir": options.profiles_dir}
            options = type(options)(**kept)
        else:
            more["indirect_selection"] = "empty"
        if self._index.defer and step.command[0] not in ("source", "list"):
            more |= {"defer": True, "state": str(self._folder / STATE), "favor_state": self._index.favor_state or None}
        if step.command == ["test"]:
            more |= dict.fromkeys(("full_refresh", "empty", "event_time_start", "event_time_end", "sample"))
        request = self._request
        args = request.args if step.command == ["build"] else []
        return arguments(step.command, options.model_copy(update=more), Secrets(vars=self._index.vars), args)

    def _check_place(self, config: Any) -> None:  # noqa: ANN401 - dbt's RuntimeConfig
        """Refuse a profile that leads elsewhere than the one that the project was parsed with."""
        from kestra_dbt.graph.preparing import place_of  # noqa: PLC0415 - it imports dbt

        here, there = place_of(config), self._index.place
        if here != there:
            raise RequestError(
                f"The project was parsed for {_told(there)}, and the profile of this task leads to {_told(here)}: give "
                "both tasks the same `profiles`."
            )


def check_version(index: Index) -> None:
    """Refuse what another dbt has parsed.

    Raises:
        RequestError: it is of another dbt.
    """
    if not can_import_dbt():
        raise RequestError("Nodes of a pack run in a dbt Core that can be imported: leave `engine` unset or `CORE`.")
    here = importlib.metadata.version("dbt-core")
    if here != index.dbt_version:
        raise RequestError(
            f"`pack` was parsed by dbt {index.dbt_version}, and here is dbt {here}: give Prepare and its nodes the "
            "same `dependencies`, with the version."
        )


def _told(place: Any) -> str:  # noqa: ANN401 - a Place
    where = ".".join(filter(None, (place.database, place.schema_name)))
    return f"target {place.target} ({place.adapter}, {where})"


def _private_copy(project: Path) -> Path:
    """Make a folder of links to what is in the project: dbt's logs and artifacts go there, not into the cache."""
    folder = _FOLDER.absolute()
    if folder.exists():  # of an earlier task in the same working directory
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for entry in project.iterdir():
        (folder / entry.name).symlink_to(entry)
    return folder
