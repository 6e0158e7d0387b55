"""What dbt has parsed is kept for the next task, which has a folder of its own, and changes nothing but the time."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Run, Runner, duckdb_profile, small_disk, write_files

from kestra_dbt.protocol import DbtCommand, DbtOptions, FailureCode, InvocationFinished, Outcome, Secrets

FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodels: {+materialized: table}\n",
    "seeds/items.csv": "id\n1\n2\n",
    "models/first.sql": "select id from {{ ref('items') }}",
    "models/second.sql": "select id, '{{ var('who', 'nobody') }}' as who from {{ ref('first') }}",
}

ANEW = "saved manifest not found"
"""What dbt logs where it finds no earlier parse."""


class Shop:
    """Builds the project above, with changes, in a folder of its own each time; the one before is gone."""

    def __init__(self, carry_out: Runner, place: Path) -> None:
        self._carry_out = carry_out
        self._place = place
        self._number = 0

    @property
    def folder(self) -> Path:
        """Of the last build; its name is longer each time."""
        return self._place / ("work" * self._number)

    def build(
        self,
        changed: dict[str, str] | None = None,
        *,
        args: tuple[str, ...] = (),
        target: str | None = None,
        secrets: Secrets | None = None,
        env: dict[str, str] | None = None,
        anew: bool = True,
    ) -> Run:
        """Build it; not ``anew``: in the folder of the one before."""
        if anew:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._number += 1
        write_files(self.folder, {**FILES, **(changed or {})})
        return self._carry_out(
            DbtCommand(command=["build"], args=list(args), options=DbtOptions(target=target)),
            secrets or Secrets(profiles=duckdb_profile()),
            folder=self.folder,
            env={"KESTRA_DBT_CACHE": str(self._place / "cache"), **(env or {})},
        )

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return what the last build has made."""
        with duckdb.connect(str(self.folder / "dev.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def kept(self) -> list[Path]:
        """Return what is kept."""
        return sorted((self._place / "cache" / "parsed").glob("*"))


@pytest.fixture
def shop(carry_out: Runner, tmp_path: Path) -> Shop:
    """Return a shop in a folder of the test's."""
    return Shop(carry_out, tmp_path)


def logged(run: Run) -> str:
    """Return dbt's log of a run that did well."""
    assert run.ended.outcome is Outcome.SUCCESS, run
    return run.artifact("dbt.log").read_text()


def test_only_what_has_changed_is_parsed(shop: Shop) -> None:
    """Seeds are read from where they are now, for the folder of the task before is gone."""
    assert ANEW in logged(shop.build())
    again = shop.build()
    assert "no changes found, skipping parsing" in logged(again)
    assert logged(shop.build(anew=False)), "in the same folder, by what was brought there"
    changed = shop.build(
        {"models/second.sql": "select id + 1 as id from {{ ref('first') }}", "seeds/items.csv": "id\n7\n"}
    )
    assert "0 files added, 2 files changed" in logged(changed)
    assert shop.rows("select id from second") == [(8,)]
    for run in (again, changed):
        assert set(run.nodes) == {"seed.shop.items", "model.shop.first", "model.shop.second"}
        results = json.loads(run.artifact("run_results.json").read_text())
        manifest = json.loads(run.artifact("manifest.json").read_text())
        assert results["metadata"]["invocation_id"] == manifest["metadata"]["invocation_id"]
    assert len(shop.kept()) == 1
    assert shop.kept()[0].stat().st_mode & 0o077 == 0, "this user's own"


@pytest.mark.parametrize(
    "other",
    [
        {"secrets": Secrets(profiles=duckdb_profile(), vars={"who": "me"})},
        {"secrets": Secrets(profiles=duckdb_profile(threads=1))},
        {"target": "dev"},
        {"changed": {"dbt_project.yml": FILES["dbt_project.yml"] + "vars: {who: me}\n"}},
    ],
    ids=["vars", "profiles", "target", "dbt_project.yml"],
)
def test_what_dbt_would_parse_differently_is_kept_apart(shop: Shop, other: dict[str, Any]) -> None:
    """Neither takes the place of the other."""
    shop.build()
    assert ANEW in logged(shop.build(**other))
    assert len(shop.kept()) == 2
    assert ANEW not in logged(shop.build())


def test_variable_of_the_environment_is_looked_at(shop: Shop) -> None:
    """In models dbt does, in profiles we do."""
    profiles = duckdb_profile().replace('"dev.duckdb"', "\"{{ env_var('PLACE') }}.duckdb\"")
    model = {"models/second.sql": "select '{{ env_var('WHO') }}' as who"}
    secrets = Secrets(profiles=profiles)
    shop.build(model, secrets=secrets, env={"WHO": "me", "PLACE": "dev"})
    assert ANEW not in logged(shop.build(model, secrets=secrets, env={"WHO": "you", "PLACE": "dev"}))
    assert shop.rows("select who from second") == [("you",)]
    assert ANEW in logged(shop.build(model, secrets=secrets, env={"WHO": "you", "PLACE": "other"}))


def test_project_of_which_dbt_warns_is_parsed_each_time(shop: Shop) -> None:
    """Or it would warn only once, and a task that is WARNING today be SUCCESS tomorrow."""
    wrong = {"models/models.yml": "models: [{name: nothing, description: a model that is not there}]"}
    for _ in range(2):
        run = shop.build(wrong)
        assert ANEW in logged(run)
        assert any("nothing" in log.message for log in run.logs() if log.level == "warn"), run
    assert shop.kept() == []


def test_partial_parsing_can_be_turned_off(shop: Shop) -> None:
    """By dbt's own means."""
    logged(shop.build(args=("--no-partial-parse",)))
    logged(shop.build(env={"DBT_PARTIAL_PARSE": "false"}))
    assert shop.kept() == []


def test_damaged_one_is_of_no_consequence(shop: Shop) -> None:
    """dbt parses the project anew."""
    shop.build()
    shop.kept()[0].write_bytes(b"\x00" * 64)
    run = shop.build({"models/second.sql": "select 5 as id"})
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert shop.rows("select id from second") == [(5,)]
    assert shop.kept()[0].stat().st_size > 1000


def test_old_ones_are_forgotten(shop: Shop) -> None:
    """Nobody has used them for a week."""
    shop.build()
    old = shop.kept()[0].with_name("old")
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    shop.build({"models/second.sql": "select 5 as id"})
    assert len(shop.kept()) == 1
    assert not old.exists()


def test_full_disk_costs_the_next_task_time_and_this_one_nothing(shop: Shop, tmp_path: Path) -> None:
    """Nothing that is half written is left there."""
    with small_disk(tmp_path / "cache", "size=64k") as cache:
        logged(shop.build())
        left = list((cache / "parsed").iterdir())
    assert left == []


MOVED = """
groups: [{name: all, owner: {name: somebody}}]
exposures: [{name: report, type: dashboard, owner: {name: somebody}, depends_on: [ref('second')]}]
"""


def test_where_dbt_cannot_go_on_from_its_last_parse_it_parses_all(shop: Shop) -> None:
    """As when a group and an exposure move to another file, which dbt's partial parse takes for two of one name."""
    logged(shop.build({"models/models.yml": "models: [{name: first, group: all}]" + MOVED}))
    more = "models: [{name: second, group: all}]" + MOVED
    after = {"models/models.yml": "models: [{name: first}]", "models/more.yml": more}
    moved = shop.build(after)
    assert "two exposures" in logged(moved)
    assert [line for line in moved.plain if "now it parses all of it" in line], moved
    assert {node.outcome for node in moved.nodes.values()} == {Outcome.SUCCESS}
    assert len(moved.of(InvocationFinished)) == 1
    assert "dbt failed" not in str(shop.build(after).plain)


def test_a_fault_of_the_project_is_told_once(shop: Shop) -> None:
    """dbt finds it again in all of the project; the next task goes on from none."""
    logged(shop.build())
    broken = shop.build({"models/second.sql": "select * from {{ ref('nobody') }}"})
    assert broken.failure.code is FailureCode.PROJECT
    assert "depends on a node named 'nobody'" in f"{broken.failure.sentence}{broken.failure.detail}"
    assert not shop.kept()
    logged(shop.build())
