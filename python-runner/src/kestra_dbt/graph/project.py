"""The project of a pack as dbt can run it: with the manifest that Prepare's dbt made, so that nothing is parsed."""

import functools
import importlib.metadata
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kestra_dbt.engine import can_import_dbt
from kestra_dbt.errors import RequestError
from kestra_dbt.graph.index import Index
from kestra_dbt.graph.pack import PARSED, PROJECT

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_FOLDER = Path(".kestra-dbt") / "project"


class PackedProject:
    """A private copy of it, in the working directory."""

    def __init__(self, index: Index, folder: Path, *, own_profiles: bool) -> None:
        """Make the copy.

        Args:
            index: of the pack.
            folder: where the pack is unpacked.
            own_profiles: whether the task has profiles, so that those of the project don't count.

        Raises:
            RequestError: the dbt that is here can't use it.
        """
        check_version(index)
        self._index = index
        self._parsed = folder / PARSED
        self._project = _private_copy(folder / PROJECT)
        self._own_profiles = own_profiles

    def options(self) -> dict[str, str | None]:
        """Return the options of dbt that lead to it."""
        options = {"project_dir": str(self._project), "profile": self._index.profile, "target": self._index.target}
        if not self._own_profiles and (self._project / "profiles.yml").is_file():
            options["profiles_dir"] = str(self._project)
        return options

    def manifest(self) -> "Manifest":
        """Return the parsed project, which nobody may change. Runs in the process of dbt."""
        from kestra_dbt.graph.part_manifest import read_manifest  # noqa: PLC0415 - it imports dbt

        return read_manifest(self._parsed)

    def place_seeds(self, manifest: "Manifest") -> None:
        """Tell where the files of seeds are now; adapters that load them themselves look there."""
        from dbt.contracts.graph.nodes import SeedNode  # noqa: PLC0415 - dbt is imported in the child alone

        for node in manifest.nodes.values():
            if isinstance(node, SeedNode):
                own = node.package_name == self._index.project
                packages = self._project / self._index.packages
                node.root_path = str(self._project if own else packages / node.package_name)

    def check_place(self, config: Any) -> None:  # noqa: ANN401 - dbt's RuntimeConfig
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
    here = _dbt_version()
    if here != index.dbt_version:
        raise RequestError(
            f"`pack` was parsed by dbt {index.dbt_version}, and here is dbt {here}: give Prepare and its nodes the "
            "same `dependencies`, with the version."
        )


@functools.cache
def _dbt_version() -> str:
    return importlib.metadata.version("dbt-core")


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
