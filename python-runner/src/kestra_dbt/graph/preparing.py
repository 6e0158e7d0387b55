"""Parses a project and packs it; runs in the process of dbt, which has read the project and its profile then."""

import json
from collections.abc import Callable
from pathlib import Path

from dbt.adapters.factory import FACTORY
from dbt.config.runtime import RuntimeConfig
from dbt.contracts.graph.manifest import Manifest
from dbt.flags import get_flags

from kestra_dbt.core.options import arguments
from kestra_dbt.graph.index import Index, Place
from kestra_dbt.graph.pack import Contents, write_pack
from kestra_dbt.graph.packages import bring_packages
from kestra_dbt.protocol import DbtCommand, Secrets

_STATE_OPTIONS = {"state", "defer_state", "defer", "favor_state"}


def prepare(request: DbtCommand, secrets: Secrets, invoke: Callable[..., int], pack: Path) -> int:
    """Bring the packages, parse, and write ``pack``; return dbt's exit code."""
    code = bring_packages(request.options, secrets, invoke)
    if code:
        return code
    options = request.options.model_copy(update=dict.fromkeys(_STATE_OPTIONS))
    parsed: list[Manifest] = []
    code = invoke(arguments(request.command, options, secrets, request.args), parsed.append)
    if code == 0:
        _pack(request, secrets, parsed[0], _config(), pack)
    return code


def place_of(config: RuntimeConfig) -> Place:
    """Return where the profile of an invocation leads to."""
    credentials = config.credentials
    return Place(
        target=config.target_name,
        adapter=credentials.type,
        database=credentials.database,
        schema_name=credentials.schema,
    )


def _config() -> RuntimeConfig:
    """Return what the last invocation in this process has read."""
    config: RuntimeConfig = next(iter(FACTORY.adapters.values())).config  # type: ignore[attr-defined]
    return config


def _pack(request: DbtCommand, secrets: Secrets, manifest: Manifest, config: RuntimeConfig, pack: Path) -> None:
    options = request.options
    state = (options.defer_state or options.state) if options.defer else None  # nodes have no other use for it
    index = Index(
        dbt_version=manifest.metadata.dbt_version,
        project=config.project_name,
        place=place_of(config),
        profile=options.profile,
        target=options.target,
        vars=json.loads(json.dumps(secrets.vars, default=str)),
        packages=str(config.packages_install_path),
        defer=bool(state),
        favor_state=bool(options.favor_state),
        own_state=request.own_state,
        nodes=_nodes(manifest),
    )
    project, parsed = Path(config.project_root), Path(config.project_target_path)
    leave_out = [parsed, Path(get_flags().LOG_PATH), pack.parent]  # type: ignore[no-untyped-call]
    contents = Contents(project, parsed, Path(state).absolute() if state else None, leave_out)
    written = write_pack(pack, index, contents)
    size = pack.stat().st_size / 1e6
    print(f"Packed {len(index.nodes)} nodes of {index.project} as {written.id} ({size:.1f} MB).", flush=True)  # noqa: T201 - a line of the task's log


def _nodes(manifest: Manifest) -> dict[str, str]:
    found = {}
    kinds = (manifest.nodes, manifest.sources, manifest.unit_tests, manifest.exposures, manifest.saved_queries)
    for unique_id, node in (item for kind in kinds for item in kind.items()):
        ephemeral = getattr(node.config, "materialized", None) == "ephemeral"
        found[unique_id] = "ephemeral" if ephemeral else str(getattr(node.resource_type, "value", node.resource_type))
    return found
