"""The tasks of the graph: what each one holds, and what it waits for."""

from dataclasses import dataclass, field

from kestra_dbt.graph.flow.groups import Key, group, key_of, positions
from kestra_dbt.graph.flow.manifest import Node
from kestra_dbt.graph.flow.names import distinct
from kestra_dbt.graph.flow.selected import Selected
from kestra_dbt.protocol import FlowOptions


@dataclass
class Task:
    """A task that runs nodes; one of an exposure has that alone, and runs nothing."""

    key: Key
    names: list[str]
    nodes: list[Node] = field(default_factory=list)
    depends_on: set[Key] = field(default_factory=set)
    exposure: Node | None = None
    id: str = ""


@dataclass(frozen=True)
class Graph:
    """All tasks, by their ids, and the names of groups that had to be split."""

    tasks: list[Task]
    split: list[str]


def build(selected: Selected, options: FlowOptions) -> Graph:
    """Return the tasks of what is selected."""
    keys = {item.unique_id: key_of(item, options.granularity) for item in selected.items}
    groups, split = group([item.unique_id for item in selected.items], keys, selected.near)
    tasks: dict[Key, Task] = {}
    for item in selected.items:
        key = groups[item.unique_id]
        task = tasks.setdefault(key, Task(key, _names(item, key, options)))
        if item.resource_type != "source" or (options.freshness_gates and item.has_freshness):
            task.nodes.append(item)
        task.depends_on |= {groups[parent] for parent in selected.near[item.unique_id]} - {key}
    _place_tests(selected, groups, tasks, options)
    for exposure in selected.exposures:
        names = [f"exposure_{exposure.name}", f"exposure_{exposure.package}_{exposure.name}", exposure.unique_id]
        above = {groups[parent] for parent in selected.near[exposure.unique_id]}
        key = (exposure.unique_id,)
        tasks[key] = Task(key, names, depends_on=above, exposure=exposure)
    _drop_hollow(tasks)
    ids = distinct({key: task.names for key, task in tasks.items()})
    for key, task in tasks.items():
        task.id = ids[key]
    return Graph(sorted(tasks.values(), key=lambda task: task.id), ["/".join(key[1:]) for key in split])


def _names(item: Node, key: Key, options: FlowOptions) -> list[str]:
    parts, number = key[:-1], key[-1]
    if options.granularity == "model":
        name = f"source_{item.name}" if item.resource_type == "source" else item.name
        return [name, f"{item.package}_{name}", f"{item.package}_{item.resource_type}_{name}", item.unique_id]
    after = "" if number == "1" else f"_{number}"
    short = parts[2:] or parts[1:]
    return [f"{'_'.join(some)}{after}" for some in (short, parts[1:], parts)]


def _place_tests(selected: Selected, groups: dict[str, Key], tasks: dict[Key, Task], options: FlowOptions) -> None:
    """Put each test with the last of the tasks that it is about, so that edges from the others can close no cycle."""
    position = positions({key: task.depends_on for key, task in tasks.items()})
    gates: dict[Key, set[Key]] = {}
    key: Key
    for test in selected.tests:
        above = {groups[parent] for parent in selected.near[test.unique_id]}
        last = max(above, key=lambda key: position[key]) if above else None
        # dbt runs a unit test before its model, so it can't be elsewhere
        if last is not None and (options.tests == "inside" or test.resource_type == "unit_test"):
            tasks[last].nodes.append(test)
            tasks[last].depends_on |= above - {last}
            continue
        if options.tests == "end":
            key, names = ("tests",), ["tests", "dbt_tests"]
        elif options.granularity == "model" or last is None:
            key, names = (test.unique_id,), [test.name, f"{test.package}_{test.name}", test.unique_id]
        else:
            key, names = ("tests", *last), [f"{name}_tests" for name in tasks[last].names]
        task = tasks.setdefault(key, Task(key, names))
        task.nodes.append(test)
        task.depends_on |= above
        if options.tests == "own" and last is not None:
            gates.setdefault(last, set()).add(key)
    for key in position:
        tasks[key].depends_on |= {gate for above in list(tasks[key].depends_on) for gate in gates.get(above, ())}


def _drop_hollow(tasks: dict[Key, Task]) -> None:
    """Take out tasks of sources whose tests are elsewhere; what waits for them waits for nothing instead."""
    hollow = {key for key, task in tasks.items() if not task.nodes and task.exposure is None}
    for key in hollow:
        del tasks[key]
    for task in tasks.values():
        task.depends_on -= hollow
