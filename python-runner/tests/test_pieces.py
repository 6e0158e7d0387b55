"""The plain functions: options, selection, labels, statuses, requirements, lines."""

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace as Thing

import pytest

from kestra_dbt.core.collection import Collector, Places
from kestra_dbt.core.options import arguments
from kestra_dbt.core.own_state import with_state_kept
from kestra_dbt.core.supervisor import LineBuffer
from kestra_dbt.core.task_profiles import TASK_PROFILES_VARIABLE, with_task_profiles
from kestra_dbt.environment import is_installed
from kestra_dbt.protocol import DbtOptions, Outcome, Secrets
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.terms.nodes import facts_of, to_label
from kestra_dbt.terms.status import outcome
from kestra_dbt.terms.words import selection


def test_options_become_flags() -> None:
    """Each kind of value has one form, and what is unset is not there."""
    options = DbtOptions(
        project_dir="shop",
        select=["a+", " ", "tag:b c"],
        exclude_resource_types=["test"],
        threads=3,
        full_refresh=True,
        fail_fast=False,
    )
    assert arguments(["build"], options, Secrets(vars={"day": "2026-01-01", "n": 1}), ["--no-version-check"]) == [
        *("build", "--project-dir", "shop", "--select", "a+", "--select", "tag:b c"),
        *("--exclude-resource-type", "test", "--threads", "3", "--full-refresh", "--no-fail-fast"),
        *("--vars", json.dumps({"day": "2026-01-01", "n": 1}), "--no-version-check"),
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["build"], None),
        (["build", "--select", "a", "b", "--threads", "4", "--exclude", "c"], "--select a b --exclude c"),
        (["test", "-s", "tag:x", "--vars", "{password: secret}"], "-s tag:x"),
        (["run", "--selector=nightly"], "--selector=nightly"),
    ],
)
def test_selection_for_people(given: list[str], told: str | None) -> None:
    """The selection is told without anything else of the arguments, which may be secret."""
    assert selection(given) == told


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("stg_orders", "stg_orders"),
        ("größe 🙂 (v1)", "gr_e_v1_"),
        ("{{ braces }}", "n_braces_"),
        ("", "n"),
        ("x" * 400, "x" * 120),
    ],
)
def test_labels_are_identifiers(name: str, label: str) -> None:
    """Whatever dbt takes as a name, the label is one that Kestra takes."""
    assert to_label(name) == label


def node(**fields: object) -> Thing:
    """Return something like a node of dbt's manifest."""
    return Thing(**{"depends_on": Thing(nodes=[]), "original_file_path": "models/x.sql", **fields})


def manifest(**nodes: Thing) -> Thing:
    """Return something like dbt's manifest."""
    return Thing(nodes={k.replace("__", "."): v for k, v in nodes.items()}, unit_tests={}, sources={}, exposures={})


def test_generic_tests_are_named_for_people_and_shown_under_what_they_test() -> None:
    """The model's name and the hash are left out of the label: the Gantt shows the test below its model."""
    test = node(
        name="not_null_stg_orders_order_id",
        column_name="order_id",
        test_metadata=Thing(name="not_null", namespace=None),
        attached_node="model.shop.stg_orders",
    )
    facts = facts_of("test.shop.t", "", manifest(test__shop__t=test))
    assert (facts.label, facts.parent) == ("not_null.order_id", "model.shop.stg_orders")


def test_tests_that_people_named_keep_their_name() -> None:
    """A custom name is how its author wants it to be known."""
    test = node(name="orders_are_sane", column_name=None, test_metadata=Thing(name="expression", namespace="dbt_utils"))
    assert facts_of("test.shop.t", "", manifest(test__shop__t=test)).label == "orders_are_sane"


def test_singular_tests_are_shown_under_the_first_node_they_read() -> None:
    """Sources are not run, so they can't be what a test is shown under."""
    test = node(name="t", depends_on=Thing(nodes=["source.shop.raw.x", "model.shop.a", "model.shop.b"]))
    assert facts_of("test.shop.t", "", manifest(test__shop__t=test)).parent == "model.shop.a"


def test_unit_tests_wait_for_what_their_model_reads() -> None:
    """A unit test runs before the model that it tests, and after what that model reads."""
    model = node(name="orders", depends_on=Thing(nodes=["model.shop.stg_orders"]))
    test = node(name="t", depends_on=Thing(nodes=["model.shop.orders"]))
    facts = facts_of(
        "unit_test.shop.orders.t", "", manifest(model__shop__orders=model, unit_test__shop__orders__t=test)
    )
    assert (facts.parent, facts.depends_on) == ("model.shop.orders", ("model.shop.stg_orders",))


def test_versions_are_told_apart() -> None:
    """Two versions of a model have two labels."""
    model = node(name="dim_customers", version=2)
    assert facts_of("model.shop.m", "", manifest(model__shop__m=model)).label == "dim_customers.v2"


def test_a_node_that_the_manifest_lacks_has_its_name() -> None:
    """Without a manifest, as with an old dbt, names still come through."""
    assert facts_of("model.shop.a b", "a b", None).label == "a_b"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("success", Outcome.SUCCESS),
        ("pass", Outcome.SUCCESS),
        ("no-op", Outcome.SUCCESS),
        ("reused", Outcome.SUCCESS),
        ("warn", Outcome.WARNING),
        ("fail", Outcome.FAILED),
        ("error", Outcome.FAILED),
        ("runtime error", Outcome.FAILED),
        ("partial success", Outcome.FAILED),
        ("skipped", Outcome.SKIPPED),
        ("something new", Outcome.SUCCESS),
    ],
)
def test_statuses(status: str, meaning: Outcome) -> None:
    """Every status of dbt has a meaning; an unknown one does not fail a run that dbt calls good."""
    assert outcome(status) is meaning


@pytest.mark.parametrize(
    ("requirement", "met"),
    [
        ("dbt-core", True),
        ("dbt-core>=1.0", True),
        ("DBT_Core >= 1.0 ; python_version > '3'", True),
        ("dbt-core==0.1", False),
        ("no-such-package", False),
        ("git+https://example.test/x.git", False),
        ("dbt-duckdb[glue]>=1", True),
    ],
)
def test_requirements_met(requirement: str, met: bool) -> None:
    """A requirement is met by name and version; one that can't be told is not."""
    assert is_installed(requirement) is met


def test_streams_are_cut_into_lines() -> None:
    """Wherever the stream is cut, the lines are the same, and the last one needs no end."""
    text = "one\n\nzwei ü\nno end".encode()
    for cut in range(len(text)):
        buffer = LineBuffer()
        lines = buffer.feed(text[:cut]) + buffer.feed(text[cut:])
        assert lines == [b"one", b"", "zwei ü".encode()]
        assert (buffer.rest(), buffer.rest()) == ([b"no end"], [])


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "."])
def test_no_name_leaves_the_output_folder(tmp_path, name: str) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """A name from outside can't write elsewhere."""
    with pytest.raises(ValueError, match="leave the output folder"):
        OutputFolder(tmp_path / "out", lambda _: None).path(name)


def test_profiles_of_the_task_stand_in_where_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without profiles, named by an argument or a variable, gives way to the task's; one with them stays."""
    own, other, empty = (tmp_path / name for name in ("own", "other", "empty"))
    for folder in (own, other, empty):
        folder.mkdir()
    (other / "profiles.yml").touch()
    monkeypatch.setenv(TASK_PROFILES_VARIABLE, str(own))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(empty))
    given = ["run", "--profiles-dir", str(empty), "--select", "a"]
    assert with_task_profiles(given) == ["run", "--profiles-dir", str(own), "--select", "a"]
    assert os.environ["DBT_PROFILES_DIR"] == str(own)
    assert with_task_profiles(["run", f"--profiles-dir={empty}"]) == ["run", f"--profiles-dir={own}"]
    for kept in (["run", "--profiles-dir", str(other)], ["run", f"--profiles-dir={other}"], ["run"]):
        assert with_task_profiles(kept) == kept
    monkeypatch.delenv(TASK_PROFILES_VARIABLE)
    assert with_task_profiles(given) == given


def test_a_state_in_the_target_folder_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt gets a copy of a state that it would overwrite; one elsewhere stays where it is."""
    target = tmp_path / "shop" / "target"
    target.mkdir(parents=True)
    (tmp_path / "shop" / "state").mkdir()
    (target / "manifest.json").write_text("earlier")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_PROJECT_DIR", "shop")
    for given in (["run", "--state", "./target"], ["run", f"--state={target}", "-x"]):
        *same, option, copy = with_state_kept(given)
        assert (same, option) == (given, "--state")
        assert (Path(copy) / "manifest.json").read_text() == "earlier"
        assert Path(copy).resolve() != target
    elsewhere = ["run", "--state", "state", "--defer-state", "none"]
    assert with_state_kept(elsewhere) == elsewhere


@pytest.mark.parametrize(
    "begin",
    [
        f"{'=' * 30} 10:00:00.123456 | 5ab0-c1 {'=' * 30}\n10:00:00 Running with dbt=1.11\n",
        '{"data": {"version": "=1.11"}, "info": {"msg": "Running with dbt", "name": "MainReportVersion"}}\n',
    ],
    ids=["text", "json"],
)
def test_a_log_is_kept_from_the_begin_of_its_invocation(tmp_path: Path, begin: str) -> None:
    """However much of it was written, by others before and by itself since, when it is looked at first."""
    log = tmp_path / "logs" / "dbt.log"
    log.parent.mkdir()
    own = begin + "a line of this run\n" * 10_000
    log.write_text(begin + "a line of another run\n" * 10_000 + own)
    output = OutputFolder(tmp_path / "output", lambda _: None)
    collector = Collector(output)
    collector.begin_log(log)
    with log.open("a") as file:
        file.write("the end\n")
    places = Places(datetime.now(timezone.utc), log.parent)
    assert collector.collect("1-build", places, ran_nodes=True) == ["dbt.log"]
    assert output.path("1-build/dbt.log").read_text() == own + "the end\n"
