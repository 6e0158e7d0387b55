"""What dbt has parsed of a project, in the memory of this process: its forks need not read it again.

dbt in a fork reads its last parse from a file, as ever, and compares all files of the project with it. If that file has
what is known here, it gets that instead of reading it; and if no file has changed since, then what dbt works out of it
before its first node is here, too.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import dbt.parser.manifest as parser
from dbt.compilation import Linker
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import SeedNode
from dbt.mp_context import get_mp_context

from kestra_dbt.core.kept_parse import moved
from kestra_dbt.core.macros import compile_macros
from kestra_dbt.core.shortcuts import take_shortcuts
from kestra_dbt.core.shortcuts.manifest_text import forget_text

_LINKED = (
    *("nodes", "sources", "exposures", "functions", "metrics"),
    *("semantic_models", "unit_tests", "saved_queries"),
)
"""Kinds of what dbt links. Older dbts have no functions."""


def manifest_of(parsed: bytes) -> Manifest:
    """Return what dbt has parsed, from what it has written of it."""
    decoder: Callable[[bytes], Any] = parser.extended_mashumuro_decoder
    manifest: Manifest = Manifest.from_msgpack(parsed, decoder=decoder)
    return manifest


def know(root: bytes, parsed: bytes) -> Iterator[None]:
    """Have dbt in this process, which is not to run it, and in its forks know a parse.

    Args:
        root: folder in which the project was.
        parsed: what dbt has written of it.

    Returns:
        What else can be had ready while there is time, in small steps.
    """
    take_shortcuts()
    known = _KnownParse(root, parsed)
    known.have_dbt_use_it()
    return compile_macros(known.manifest)


class _KnownParse:
    def __init__(self, root: bytes, parsed: bytes) -> None:
        self._root = root
        self._parsed = parsed
        self._is_handed_out = False
        manifest: Any = manifest_of(parsed)
        manifest.build_flat_graph()
        manifest.write(os.devnull)  # which has its text remembered
        linked = [member for kind in _LINKED for member in getattr(manifest, kind, {}).values()]
        self.manifest = manifest
        self._in_graph_file = {member.unique_id: member.to_dict(omit_none=True) for member in linked}

    def have_dbt_use_it(self) -> None:
        """Replace what of dbt would work out the same again."""
        dbt_manifest, loader, linker = Manifest, parser.ManifestLoader, Linker  # type: tuple[Any, Any, Any]
        from_msgpack, load, inject = dbt_manifest.from_msgpack, loader.load, loader.inject_external_nodes
        write_graph = linker.write_graph

        def read(parsed: bytes, **how: object) -> object:
            return self._handed_out(parsed) or from_msgpack(parsed, **how)

        def load_whole(self_: Any) -> object:  # noqa: ANN401 - without types
            manifest = load(self_)
            if not self_.skip_parsing:
                self._forget()
            return manifest

        def inject_external_nodes(self_: object) -> bool:
            if modified := bool(inject(self_)):
                self._forget()
            return modified

        def write_known_graph(self_: object, file: str, manifest: object) -> None:
            write_graph(self_, file, self if manifest is self.manifest else manifest)

        dbt_manifest.from_msgpack, linker.write_graph = read, write_known_graph
        loader.load, loader.inject_external_nodes = load_whole, inject_external_nodes

    def _handed_out(self, parsed: bytes) -> Any:  # noqa: ANN401 - the manifest
        """Return the manifest if that is what is parsed, here; once, for dbt changes it. Else None."""
        here = os.getcwd()  # noqa: PTH109 - dbt is in the folder of the project
        if self._is_handed_out or parsed != moved(self._parsed, self._root, os.fsencode(here)):
            return None
        self._is_handed_out = True
        manifest = self.manifest
        manifest._lock = get_mp_context().Lock()  # or all forks would have one
        manifest.build_flat_graph = self._leave_flat_graph
        self._move_seeds(os.fsdecode(self._root), here)
        return manifest

    def _move_seeds(self, old: str, new: str) -> None:
        """Tell where the files of seeds are now, as `moved` does."""
        disabled = (node for nodes in self.manifest.disabled.values() for node in nodes)
        for seed in (node for node in (*self.manifest.nodes.values(), *disabled) if isinstance(node, SeedNode)):
            root = seed.root_path or ""
            if root == old or root.startswith(old + os.sep):
                seed.root_path = new + root[len(old) :]
        for name, node in self.manifest.nodes.items():
            if isinstance(node, SeedNode):
                self.manifest.flat_graph["nodes"][name] = node.to_dict(omit_none=False)
                self._in_graph_file[name] = node.to_dict(omit_none=True)

    def _leave_flat_graph(self) -> None:
        """Leave what macros see as `graph` as it is, the first time; dbt builds it again once it defers."""
        del self.manifest.build_flat_graph

    def _forget(self) -> None:
        """Forget what was worked out: dbt has changed the manifest."""
        vars(self.manifest).pop("build_flat_graph", None)
        forget_text(self.manifest)
        self._in_graph_file.clear()

    def expect(self, unique_id: str) -> Any:  # noqa: ANN401
        """Stand in for the manifest where dbt writes its graph into a file."""
        known = self._in_graph_file.get(unique_id)
        return _Known(known) if known is not None else self.manifest.expect(unique_id)


class _Known:
    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def to_dict(self, **_: object) -> dict[str, Any]:
        return self._fields
