"""What a request for a flow comes to, whether it is of a command line or of a task."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from kestra_dbt.errors import RequestError
from kestra_dbt.graph.flow.flow import Flow, flow_from_manifest, merged_settings
from kestra_dbt.graph.flow.manifest import Manifest, read
from kestra_dbt.graph.flow.selected import select
from kestra_dbt.graph.flow.size import ADVISED, advice
from kestra_dbt.graph.flow.tasks import build
from kestra_dbt.graph.flow.text import from_yaml, to_yaml
from kestra_dbt.protocol import DbtOptions, FlowOptions, Granularity, GraphFlow, Secrets

_COARSER: tuple[Granularity, ...] = ("folder", "layer", "package")


@dataclass(frozen=True)
class Made:
    """A flow, its text, and what people should know of it, a line each."""

    flow: Flow
    text: str
    notes: list[str]


def make(options: FlowOptions, manifest: Manifest, chosen: Set[str] | None, *, whole: bool) -> Made:
    """Return the flow of what is ``chosen`` of a project; None: all of it.

    Args:
        options: how the flow is cut and named.
        manifest: of the project.
        chosen: ids of nodes.
        whole: whether what is not chosen is left out on purpose.

    Raises:
        RequestError: there is nothing to run.
        ProjectError: a name can't be part of a flow.
    """
    flow = flow_from_manifest(manifest, chosen, options, whole=whole)
    return Made(flow, to_yaml(flow.content), list(_notes(flow, manifest, chosen, options)))


def is_whole(request: GraphFlow) -> bool:
    """Tell whether what is not chosen is left out on purpose, as by `exclude` alone, and not by a selection."""
    options = request.options
    return not (options.select or options.selector or options.resource_types or request.args)


def settled(request: GraphFlow) -> FlowOptions:
    """Return the options of the flow, with people's own properties, wherever they are.

    Raises:
        RequestError: these can't be read.
    """
    return request.flow.model_copy(update={"settings": _settings(request)})


def whole_manifest(request: GraphFlow, manifest: str, secrets: Secrets) -> Manifest:
    """Return the manifest that stands for the project.

    Raises:
        RequestError: something is chosen of it.
        ProjectError: it can't be read.
    """
    if request.options != DbtOptions() or request.args or secrets.vars:
        raise RequestError(
            "A manifest is taken as a whole, for dbt selects from a project: name the project, with the profile that "
            "dbt needs to read it, instead of the manifest."
        )
    return read(Path(manifest))


def _settings(request: GraphFlow) -> dict[str, object]:
    if request.settings_file is None:
        return dict(merged_settings(request.flow.settings, "`settings`"))
    if request.flow.settings:
        raise RequestError("Both `settings` and a file of settings are given: keep the one that is meant.")
    file = request.settings_file
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise RequestError(f"The settings {file} cannot be read: {error.strerror}.") from error
    return dict(merged_settings(from_yaml(text, file), file))


def _notes(flow: Flow, manifest: Manifest, chosen: Set[str] | None, options: FlowOptions) -> Iterator[str]:
    if flow.split:
        yield f"Split, for their nodes depend on other tasks that depend on them again: {', '.join(flow.split)}."
    coarser = {}
    if flow.tasks > ADVISED:
        for granularity in _COARSER:
            other = options.model_copy(update={"granularity": granularity})
            coarser[granularity] = len(build(select(manifest, chosen, other), other).tasks)
    if said := advice(flow.tasks, {name: count for name, count in coarser.items() if count < flow.tasks}):
        yield said
