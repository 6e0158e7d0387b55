"""What dbt is helped with in large projects has the results that dbt has by itself."""

import json
import logging
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from conftest import Runner, duckdb_profile, write_files
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.exceptions.compilation import ApproximateMatchError
from dbt.context.macros import MacroNamespace
from dbt.graph.graph import Graph
from dbt.plugins.manager import PluginManager
from dbt_common.behavior_flags import BehaviorFlag, BehaviorFlagRendered
from dbt_common.events import functions, logger
from networkx import DiGraph

from kestra_dbt.core.shortcuts import take_shortcuts
from kestra_dbt.protocol import DbtCommand, DbtOptions, FailureCode, Outcome, Secrets

SECRETS = Secrets(profiles=duckdb_profile("chain"))
BUILD = DbtCommand(command=["build"])
FILES = {
    "dbt_project.yml": "{name: chain, profile: chain}",
    "models/a.sql": "select 1 as id, 'ä' as letter",
    "models/b.sql": "select id from {{ ref('a') }}",
    "models/c.sql": "select id from {{ ref('b') }}",
    "models/models.yml": """
models:
  - {name: a, columns: [{name: id, data_tests: [unique, not_null]}]}
  - name: b
    columns:
      - {name: id, data_tests: [{relationships: {arguments: {to: ref('a'), field: id}}}]}
""",
}
OF_EACH_KIND = FILES | {
    "dbt_project.yml": "{name: chain, profile: chain, on-run-start: ['select 1']}",
    "models/off.sql": "{{ config(enabled=false) }} select 1 as id",
    "models/seen.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('a') }}",
    "models/sees.sql": "select id from {{ ref('seen') }} union all select id from {{ ref('sown') }}",
    "models/more.yml": """
models: [{name: c, description: "{{ doc('words') }}", group: all}]
groups: [{name: all, owner: {name: somebody}}]
sources: [{name: outside, tables: [{name: t}]}]
exposures: [{name: report, type: dashboard, owner: {name: somebody}, depends_on: [ref('c')]}]
unit_tests: [{name: b_is_a, model: b, given: [{input: ref('a'), rows: [{id: 1}]}], expect: {rows: [{id: 1}]}}]
""",
    "models/words.md": "{% docs words %} Many. {% enddocs %}",
    "macros/same.sql": "{% macro same(value) %}{{ value }}{% endmacro %}",
    "seeds/sown.csv": "id\n1\n",
    "snapshots/kept.yml": "snapshots: [{name: kept, relation: ref('a'), config: "
    "{unique_key: id, strategy: check, check_cols: all}}]",
}
OF_EACH_RUN = frozenset(
    {"created_at", "generated_at", "invocation_id", "invocation_started_at", "root_path", "run_started_at", "user_id"}
)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Return a project of three models, each of which reads the one before, with tests of the first two."""
    return write_files(tmp_path / "chain", FILES)


def by_dbt_alone(folder: Path, *arguments: str) -> Path:
    """Return the target folder of dbt's own command."""
    (folder / "profiles.yml").write_text(duckdb_profile("chain"))
    command = [str(Path(sys.executable).parent / "dbt"), "--no-send-anonymous-usage-stats", *arguments]
    subprocess.run(command, cwd=folder, env=os.environ, check=True, capture_output=True)
    return folder / "target"


def lasting(value: Any) -> Any:  # noqa: ANN401
    """Return what is in an artifact, without what differs from run to run."""
    if isinstance(value, dict):
        return {name: lasting(inner) for name, inner in value.items() if name not in OF_EACH_RUN}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("select", [[], ["a", "b", "sown"], ["+sees", "b+1"]], ids=" ".join)
def test_artifacts_are_as_dbt_writes_them(carry_out: Runner, tmp_path: Path, select: list[str]) -> None:
    """Also in how they are written; the order of the nodes is that of the files on the disk."""
    project = write_files(tmp_path / "project", OF_EACH_KIND)
    run = carry_out(DbtCommand(command=["build"], options=DbtOptions(select=select)), SECRETS, folder=project)
    assert run.code == 0, run.failure
    words = ["--select", *select] if select else []
    alone = by_dbt_alone(write_files(tmp_path / "alone", OF_EACH_KIND), "build", *words)
    theirs = (alone / "manifest.json").read_text()
    ours = run.artifact("manifest.json").read_text()
    assert json.dumps(json.loads(ours)) == ours
    assert json.dumps(json.loads(theirs)) == theirs
    assert list(json.loads(ours)) == list(json.loads(theirs))
    assert lasting(json.loads(ours)) == lasting(json.loads(theirs))


def test_a_queue_has_what_dbt_puts_into_it() -> None:
    """Of any selection of any graph: the same nodes in the same order, and the same that come before others."""
    take_shortcuts()
    subset: Any = Graph.get_subset_graph
    for number in range(300):
        chance = random.Random(number)  # noqa: S311 - it decides nothing that matters
        nodes = [f"model.{i}" for i in range(chance.randint(1, 14))]
        graph = DiGraph()
        graph.add_nodes_from(chance.sample(nodes, len(nodes)))
        graph.add_edges_from((a, b) for a, b in combinations(nodes, 2) if chance.random() < chance.random() / 2)
        selected = chance.sample(nodes, chance.randint(0, len(nodes)))
        ours, theirs = subset(Graph(graph), selected).graph, subset.__wrapped__(Graph(graph), selected).graph
        assert (list(ours), set(ours.edges)) == (list(theirs), set(theirs.edges)), (list(graph.edges), selected)


def test_a_flag_comes_from_where_dbt_says() -> None:
    """From the module that made it, by way of whatever is between."""
    take_shortcuts()
    ours: Any = BehaviorFlagRendered._default_source
    assert ours() == ours.__wrapped__() == __name__
    flag = BehaviorFlagRendered(BehaviorFlag(name="new", default=False, docs_url="x"), {})
    assert flag._behavior_change_event.flag_source == __name__


def test_plugins_are_those_that_are_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of each name that dbt takes for one of its plugins."""
    take_shortcuts()
    find: Any = PluginManager.get_prefixed_modules
    (tmp_path / "dbt_another.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    find.cache_clear()
    assert find() == find.__wrapped__()
    assert "dbt_another" in find()
    find.cache_clear()


def found(match: Callable[..., list[BaseRelation]], *arguments: object) -> list[BaseRelation] | str:
    """Return what dbt finds, or the words of its refusal."""
    try:
        return match(*arguments)
    except ApproximateMatchError as error:
        return str(error)


def test_a_table_is_found_as_dbt_finds_it() -> None:
    """In any case and quotes, among any others: what matches, and what dbt says of what almost does."""
    take_shortcuts()
    ours: Any = BaseAdapter._make_match
    adapter = Mock()
    adapter._make_match_kwargs = lambda *names: dict(zip(("database", "schema", "identifier"), names, strict=True))
    several = refused = 0
    for number in range(2000):
        chance = random.Random(number)  # noqa: S311 - it decides nothing that matters
        wanted = [chance.choice(names) for names in (["d", "D"], ["s", "s", '"s"'], ["a", "A", '"a"', "b", ""])]
        relations = [
            BaseRelation.create(
                *(chance.choice(names) for names in (["d", "D"], ["s", "s", "S"], ["a", "A", '"a"', "b", "B", None])),
                quote_policy={"identifier": chance.random() < 0.5},
                dbt_created=chance.random() < 0.5,
            )
            for _ in range(chance.randint(0, 3))
        ]
        result = found(ours, adapter, relations, *wanted)
        assert result == found(ours.__wrapped__, adapter, relations, *wanted), (relations, wanted)
        several += isinstance(result, list) and len(result) > 0
        refused += isinstance(result, str)
    assert several > 20, "the test has seen what it is about"
    assert refused > 20, "the test has seen what it is about"


def test_the_tables_of_a_schema_are_those_that_dbt_knows() -> None:
    """Whatever was made, renamed and dropped before; in any case of the schema's name."""
    take_shortcuts()
    ours: Any = RelationsCache.get_relations
    cache, chance = RelationsCache(log_cache_events=False), random.Random(1)  # noqa: S311 - it decides nothing that matters
    known: list[BaseRelation] = []
    for number in range(300):
        schema, name = chance.choice(["s", "S", "t"]), f"t{number}"
        if known and chance.random() < 0.3:
            cache.drop(known.pop(chance.randrange(len(known))))
        elif known and chance.random() < 0.4:
            new = BaseRelation.create("d", schema, name)
            cache.rename(known.pop(chance.randrange(len(known))), new)
            known.append(new)
        else:
            known.append(BaseRelation.create(chance.choice(["d", "D"]), schema, name))
            cache.add(known[-1])
    for place in (("d", "s"), ("D", "T"), ("d", "u"), (None, "s"), ("d", None)):
        assert ours(cache, *place) == ours.__wrapped__(cache, *place)
    assert len(ours(cache, "d", "s")) > 20, "the test has seen what it is about"


def test_a_macro_is_found_where_dbt_finds_it() -> None:
    """The same name may be in several places, and be that of a package."""
    take_shortcuts()
    ours: Any = MacroNamespace.__getitem__
    places = [dict.fromkeys(names, number) for number, names in enumerate((["a"], ["a", "b"], ["c", "d"], ["a", "d"]))]
    namespace = MacroNamespace(places[0], places[1], places[2], {"b": {}, "dbt": {}, "other": {}})  # type: ignore[arg-type]
    names = set(namespace)
    assert {"a", "b", "c", "d", "dbt", "other"} == names
    assert [ours(namespace, name) for name in names] == [ours.__wrapped__(namespace, name) for name in names]
    with pytest.raises(KeyError, match="'e'"):
        ours(namespace, "e")


def test_secrets_are_those_of_the_environment_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also such as are set after the first line was logged; one that is blank would be found in each line."""
    take_shortcuts()
    ours: Any = functions.env_secrets  # type: ignore[attr-defined]
    monkeypatch.setenv("DBT_ENV_SECRET_BLANK", " ")
    for name in ("DBT_ENV_SECRET_A", "DBT_ENV_SECRET_B"):
        monkeypatch.setenv(name, f"of {name}")
        assert f"of {name}" in ours()
        assert ours() == ours.__wrapped__()
    assert functions.env_scrubber("It is of DBT_ENV_SECRET_B.") == "It is *****."


def test_a_full_log_is_followed_by_another(tmp_path: Path) -> None:
    """As Python would have it: the same lines are in the same files."""
    take_shortcuts()
    kinds: dict[str, Any] = {"ours": logger.RotatingFileHandler, "theirs": RotatingFileHandler}  # type: ignore[attr-defined]
    assert kinds["ours"] is not kinds["theirs"]
    for name, kind in kinds.items():
        (tmp_path / name).mkdir()
        handler = kind(tmp_path / name / "dbt.log", maxBytes=1000, backupCount=5, encoding="utf8")
        chance = random.Random(1)  # noqa: S311 - it decides nothing that matters
        for number in range(200):
            text = f"{number} " + chance.choice("aä€🦆") * chance.randint(0, 60)
            handler.emit(logging.LogRecord("dbt", logging.INFO, "", 0, text, None, None))
        handler.close()
    ours, theirs = ({file.name: file.read_text() for file in (tmp_path / name).iterdir()} for name in kinds)
    assert len(ours) == 6
    assert ours == theirs


def edges_of_tests(target: Path) -> set[tuple[str, str]]:
    """Return by short name which model waits for which test."""
    nodes = json.loads((target / "graph_summary.json").read_text())["with_test_edges"]
    names = {number: node["name"].split(".")[2].split("_")[0] for number, node in nodes.items()}
    tests = {number for number, node in nodes.items() if node["type"] == "test"}
    return {(names[test], names[str(model)]) for test in tests for model in nodes[test].get("succ", ())}


def test_models_wait_for_tests_of_those_they_read(carry_out: Runner, chain: Path, tmp_path: Path) -> None:
    """The last model waits for tests of the first one by way of the second; dbt alone says so for each pair."""
    assert carry_out(BUILD, SECRETS, folder=chain).code == 0
    nearest = {("unique", "b"), ("not", "b"), ("relationships", "c")}
    assert edges_of_tests(chain / "target") == nearest
    asked = carry_out(
        BUILD, SECRETS, folder=write_files(tmp_path / "asked", FILES), env={"DBT_USE_FAST_TEST_EDGES": "false"}
    )
    assert asked.code == 0
    assert edges_of_tests(tmp_path / "asked" / "target") == nearest | {("unique", "c"), ("not", "c")}


def test_all_that_comes_after_a_failed_test_is_left_out(carry_out: Runner, chain: Path) -> None:
    """The one that reads what was tested, and what reads that one."""
    (chain / "models/a.sql").write_text("select 1 as id union all select 1")
    run = carry_out(BUILD, SECRETS, folder=chain)
    assert run.code == 1
    skipped = {name.split(".")[2] for name, node in run.nodes.items() if node.outcome is Outcome.SKIPPED}
    assert {"b", "c"} <= skipped, run


def test_a_cycle_is_named(carry_out: Runner, chain: Path) -> None:
    """As dbt names it, for that is what there is to mend."""
    (chain / "models/a.sql").write_text("select 1 as id from {{ ref('c') }}")
    run = carry_out(BUILD, SECRETS, folder=chain)
    assert run.failure.code is FailureCode.PROJECT, run
    assert re.search("has a cycle, model.chain.. --> model.chain.. --> model.chain..: have", run.failure.sentence)
