"""What dbt wrote into its target folder, as far as its events do not tell it."""

import json
from pathlib import Path
from typing import Any

from kestra_dbt.terms.fields import Fields

_OF_A_NODE = (
    *("name", "version", "source_name", "original_file_path", "depends_on"),
    *("attached_node", "column_name", "test_metadata"),
    *("relation_name", "compiled_path", "database", "schema", "alias", "identifier"),
)
"""What is read of a node here; the rest of a manifest, its SQL above all, would fill the memory."""


class WrittenManifest:
    """The part of a manifest.json that is needed to name and to place nodes."""

    def __init__(self, file: Path) -> None:
        """Read it.

        Raises:
            OSError: it is not there.
            ValueError: it is not whole.
        """
        manifest = json.loads(file.read_text(encoding="utf-8"), object_hook=_reduced)
        self.nodes: dict[str, Fields] = manifest.nodes or {}
        self.unit_tests: dict[str, Fields] = manifest.unit_tests or {}
        self.sources: dict[str, Fields] = manifest.sources or {}
        self.exposures: dict[str, Fields] = manifest.exposures or {}
        self.metadata: Fields = manifest.metadata or Fields()


def results_of(file: Path) -> Fields:
    """Return what run_results.json or sources.json says of each node; nothing if it is not there, or not whole."""
    try:
        read = json.loads(file.read_bytes(), object_hook=Fields)
    except (OSError, ValueError):
        return Fields(results=[])
    return Fields(results=[_with_node(result) for result in read.results or () if result.unique_id])


def _reduced(read: dict[str, Any]) -> Fields:
    """Drop what is not needed of a node as soon as it is read, so that the whole never is in memory."""
    if "unique_id" in read and "resource_type" in read:
        return Fields({key: read[key] for key in _OF_A_NODE if key in read})
    return Fields(read)


def _with_node(result: Fields) -> Fields:
    """dbt's own results know their nodes; here the id tells what it is and, after the project, its name."""
    resource_type, _, name = result.unique_id.partition(".")
    result["node"] = Fields(
        unique_id=result.unique_id, resource_type=resource_type, name=name.partition(".")[2] or result.unique_id
    )
    return result
