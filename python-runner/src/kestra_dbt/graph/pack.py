"""The pack: a project with its packages and what dbt parsed of it, as one file for any worker."""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kestra_dbt.graph.index import Index

MANIFEST = "manifest.json"
PACK = "pack.zip"
"""Name of the artifact."""

OF_THE_WHOLE = frozenset({MANIFEST, "semantic_manifest.json"})
"""Artifacts that are in the pack, and that each part would write again."""

INDEX = "pack.json"
PROJECT = "project"
FILES = "project.zip"
"""The project's files are a zip in the pack: each node's task reads the pack's index, and a zip with all the files of a
large project takes 10 ms to open."""
PARSED = "partial_parse.msgpack"
STATE = "state"

_LEFT_OUT = frozenset({".git", ".hg", ".svn", ".kestra-dbt", ".venv", "venv", "__pycache__", "node_modules", ".idea"})
"""Folders that dbt reads nothing of, whatever they are in."""

_DATABASES = (".duckdb", ".duckdb.wal", ".sqlite", ".db")
"""Files that a warehouse may lie in; they are no part of the project."""

_VOLATILE = frozenset({"created_at", "root_path", "metadata"})
"""Fields of a manifest that are different each time, although the project is not."""

_OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same files make the same pack."""


@dataclass(frozen=True)
class Contents:
    """What goes into a pack."""

    project: Path
    """Folder of the project."""
    parsed: Path
    """dbt's target folder, with the manifest and the parse cache."""
    state: Path | None
    """Folder of an earlier state to defer to."""
    leave_out: list[Path]
    """Folders that are no part of the project, although they are in it."""


def write_pack(file: Path, index: Index, contents: Contents) -> Index:
    """Write a pack to ``file``, and return its index with the id."""
    left_out = {path.resolve() for path in contents.leave_out}
    files = {f"{PROJECT}/{name}": path for name, path in _files(contents.project, left_out)}
    state = {f"{STATE}/{path.name}": path for path in sorted(contents.state.glob("*.json"))} if contents.state else {}
    parsed = {name: contents.parsed / name for name in (MANIFEST, PARSED)}
    digests = [(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in {**files, **state}.items()]
    identified = index.identified([*digests, (MANIFEST, _digest_of_manifest(parsed[MANIFEST]))])
    with zipfile.ZipFile(file, "w") as pack:
        _add(pack, INDEX, identified.model_dump_json().encode())
        with (
            pack.open(zipfile.ZipInfo(FILES, _OLDEST), "w", force_zip64=True) as stream,
            zipfile.ZipFile(stream, "w") as archive,
        ):
            for name, path in files.items():
                _add(archive, name, path.read_bytes())
        for name, path in {**state, **parsed}.items():
            _add(pack, name, path.read_bytes())
    return identified


def unpack(file: Path, folder: Path) -> None:
    """Write what is in a pack into an empty folder."""
    for archive in (file, folder / FILES):
        with zipfile.ZipFile(archive) as files:
            files.extractall(folder)
    (folder / FILES).unlink()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _OLDEST), content, zipfile.ZIP_DEFLATED, 1)


def _files(root: Path, leave_out: set[Path]) -> Iterator[tuple[str, Path]]:
    """Yield the files of a project in the order of their names; what links lead to is packed, but for folders."""
    for path in sorted(root.iterdir()):
        if path.name in _LEFT_OUT or path.resolve() in leave_out:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from ((f"{path.name}/{name}", file) for name, file in _files(path, leave_out))
        elif path.is_dir():
            yield from ((f"{path.name}/{name}", file) for name, file in _files(path.resolve(), leave_out))
        elif path.is_file() and not path.name.endswith(_DATABASES):
            yield path.name, path


def _digest_of_manifest(manifest: Path) -> str:
    def steady(fields: dict[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in fields.items() if name not in _VOLATILE}

    content = json.loads(manifest.read_bytes(), object_hook=steady)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
