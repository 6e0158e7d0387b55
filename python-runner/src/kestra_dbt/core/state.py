"""An earlier state of the project: the folder of artifacts that `state:` and `--defer` read."""

import json
from pathlib import Path

from kestra_dbt.protocol import DbtOptions

_SCHEMAS = "https://schemas.getdbt.com/dbt"

_KINDS = (
    *("nodes", "sources", "macros", "docs", "exposures", "metrics", "groups", "selectors", "disabled"),
    *("parent_map", "child_map", "group_map", "saved_queries", "semantic_models", "unit_tests"),
)

_EMPTY = {
    "manifest.json": {
        "metadata": {"dbt_schema_version": f"{_SCHEMAS}/manifest/v12.json"},
        **{kind: {} for kind in _KINDS},
    },
    "run_results.json": {
        "metadata": {"dbt_schema_version": f"{_SCHEMAS}/run-results/v6.json"},
        "results": [],
        "elapsed_time": 0,
        "args": {},
    },
}
"""The oldest versions that dbt 1.8 writes; later ones read them."""


def write_empty(folder: Path) -> None:
    """Write the artifacts of a project without nodes: compared with it all is new, and nothing defers to it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _EMPTY.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


def with_state(options: DbtOptions) -> DbtOptions:
    """Name the folders of an earlier state from the working directory on; dbt looks for them in the project."""
    folders = {name: getattr(options, name) for name in ("state", "defer_state")}
    found = {name: str(Path(folder).absolute()) for name, folder in folders.items() if folder and Path(folder).is_dir()}
    return options.model_copy(update=found)
