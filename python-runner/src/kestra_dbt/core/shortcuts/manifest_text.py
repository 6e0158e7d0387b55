"""manifest.json, of which only what has changed is encoded anew.

dbt writes it whole before the first node and after the last one, which takes it seconds with thousands of nodes. A run
changes those that it runs.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import dbt.artifacts.schemas.base as artifacts
from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.system import write_file
from dbt_common.utils.encoding import JSONEncoder

_TEXT = "_kestra_dbt_text"
"""Attribute of a manifest."""


class ManifestText:
    """Of one manifest: the text of each of its members, as it was written last."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._members: dict[str, tuple[tuple[object, ...], str]] = {}
        """By id: the attributes that it had then, and its text."""
        self._in_parts: list[Mapping[str, Any]] = []

    def changed(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return those members of a kind that are not as they were: no others are needed for the next text."""
        self._in_parts.append(members)
        return {name: member for name, member in members.items() if self._is_changed(name, member)}

    def _is_changed(self, name: str, member: object) -> bool:
        """dbt changes a member by giving an attribute another value, once it has parsed the project."""
        then = self._members.get(name)
        return then is None or then[0] != _attributes(member)

    def whole(self, fields: Mapping[str, Any]) -> str:
        """Return the text of the manifest with these fields, which have only the members that have changed."""
        text = _object({name: self._text_of(name, value) for name, value in fields.items()})
        self._in_parts.clear()
        return text

    def _text_of(self, field: str, value: Any) -> str:  # noqa: ANN401 - whatever JSON can tell
        members = getattr(self._manifest, field, None)
        if members is None or not any(members is kind for kind in self._in_parts):
            return _encode(value)
        for name, fields in value.items():
            self._members[name] = _attributes(members[name]), _encode(fields)
        return _object({name: self._members[name][1] for name in members})


def encode_changes_alone() -> None:
    """Have dbt in this process write its manifests so."""
    base: Any = artifacts
    write: Any = Manifest.write
    to_resources: Any = Manifest._map_nodes_to_map_resources
    write_json: Callable[[str, dict[str, Any]], bool] = base.write_json
    writing: ManifestText | None = None

    def write_changes(manifest: Any, path: str) -> None:  # noqa: ANN401 - a Manifest, which gets more attributes
        nonlocal writing
        text = vars(manifest).setdefault(_TEXT, ManifestText(manifest))
        manifest._map_nodes_to_map_resources = lambda members: to_resources(manifest, text.changed(members))
        writing = text
        try:
            write(manifest, path)
        finally:
            writing = None
            del manifest._map_nodes_to_map_resources

    def write_text(path: str, data: dict[str, Any]) -> bool:
        return write_file(path, writing.whole(data)) if writing else write_json(path, data)

    Manifest.write = write_changes  # type: ignore[method-assign]
    base.write_json = write_text


def forget_text(manifest: Manifest) -> None:
    """Forget what has been encoded of a manifest: it was not only changed as a run changes it."""
    vars(manifest).pop(_TEXT, None)


def _attributes(member: object) -> tuple[object, ...]:
    return tuple(vars(member).values())


def _object(texts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_encode(name)}: {text}" for name, text in texts.items()) + "}"


def _encode(value: Any) -> str:  # noqa: ANN401 - whatever JSON can tell
    return json.dumps(value, cls=JSONEncoder)
