"""Flows written for Kestra's own dbt plugin, as they are."""

import textwrap
from pathlib import Path

import pytest
from client import Engine
from conftest import RunFlow

PROFILES = "shop: {target: dev, outputs: {dev: {type: duckdb, path: dev.duckdb}}}"

PROJECT = """\
dbt_project.yml: |
  name: shop
  profile: shop
seeds/orders.csv: |
  order_id
  1
models/stg_orders.sql: select * from {% raw %}{{ ref('orders') }}{% endraw %}
models/models.yml: |
  models:
    - name: stg_orders
      columns:
        - name: order_id
          data_tests: [unique]
"""

DEFAULTS = f"""\
runner: PROCESS
dbtPath: /no/such/folder/dbt
profiles: |
  {PROFILES}"""

COMMANDS = """\
id: drop-in
namespace: company.tests
{{DEFAULTS}}
tasks:
  - id: dbt
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
{{PROJECT}}
    tasks:
      - id: deps
        type: io.kestra.plugin.dbt.cli.Deps
        fullRefresh: true
{{VALUES}}
      - id: seed
        type: io.kestra.plugin.dbt.cli.Seed
        projectDir: /
        thread: 2
        fullRefresh: true
        parseRunResults: false
{{VALUES}}
      - id: build
        type: io.kestra.plugin.dbt.cli.Build
        select: [stg_orders]
        failFast: true
        warnError: false
        debug: false
{{VALUES}}
  - id: said
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.build.runSummary.success }} model, {{ outputs.build.testSummary.pass }} test"
"""

MANIFESTS = """\
id: drop-in-manifests
namespace: company.tests
tasks:
  - id: dbt
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
      dbt/dbt_project.yml: |
        name: shop
        profile: shop
      dbt/models/a.sql: select 1 as a
    tasks:
      - id: first
        type: io.kestra.plugin.dbt.cli.DbtCLI
        taskRunner:
          type: io.kestra.plugin.core.runner.Process
        projectDir: dbt
        profiles: "{{PROFILES}}"
        loadManifest: {key: "{{KEY}}", namespace: company.tests}
        storeManifest: {key: "{{KEY}}", namespace: company.tests}
        logFormat: TEXT
        commands:
          - dbt run
          - 'echo "::{\\"outputs\\":{\\"answer\\":42}}::"'
      - id: noted
        type: io.kestra.plugin.core.kv.Get
        key: "{{KEY}}"
      - id: second
        type: io.kestra.plugin.dbt.cli.DbtCLI
        runner: PROCESS
        projectDir: dbt
        profiles: "{{PROFILES}}"
        loadManifest: {key: "{{KEY}}", namespace: company.tests}
        commands:
          - echo 'select 2 as b' > dbt/models/b.sql
          - dbt ls --quiet --select state:modified --state ./target --profiles-dir . --output name > modified.txt
        outputFiles: [modified.txt]
      - id: as_the_other_plugin_stores_it
        type: io.kestra.plugin.core.kv.Set
        key: "{{KEY}}"
        kvType: JSON
        value: "{{ read(outputs.first.outputFiles['manifest.json']) }}"
      - id: third
        type: io.kestra.plugin.dbt.cli.DbtCLI
        runner: PROCESS
        projectDir: dbt
        profiles: "{{PROFILES}}"
        loadManifest: {key: "{{KEY}}", namespace: company.tests}
        storeManifest: {key: "{{KEY}}", namespace: company.tests}
        commands:
          - grep -c '"model.shop.a"' dbt/target/manifest.json
          - echo 'select nothing' > dbt/models/c.sql
          - dbt run || true
      - id: kept
        type: io.kestra.plugin.core.kv.Get
        key: "{{KEY}}"
"""


SETUP = """\
id: drop-in-setup
namespace: company.tests
tasks:
  - id: dbt
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
{{PROJECT}}
    tasks:
      - id: setup
        type: io.kestra.plugin.dbt.cli.Setup
        runner: PROCESS
        requirements: ["dbt-core>=1.10,<1.12", dbt-duckdb]
        profiles: "{{PROFILES}}"
      - id: build
        type: io.kestra.plugin.dbt.cli.Build
        runner: PROCESS
        env: {PATH: /usr/bin:/bin}
"""


def fill(flow: str, **values: str) -> str:
    """Return the flow with each {{NAME}} in capitals replaced."""
    for name, value in values.items():
        flow = flow.replace("{{" + name + "}}", value)
    return flow


def test_commands_in_the_former_spelling(engine: Engine, kestra: str, run_flow: RunFlow) -> None:
    """Deprecated spellings are honoured, outputs have the old names, the prefix has defaults where there are any."""
    project = textwrap.indent(PROJECT, " " * 6)
    prefix = "pluginDefaults:\n  - type: io.kestra.plugin.dbt.cli\n    values:\n" + textwrap.indent(DEFAULTS, " " * 6)
    flow = fill(COMMANDS, DEFAULTS=prefix, PROJECT=project, VALUES="")
    if kestra.startswith("2."):
        refusal = engine.validate(flow)
        assert refusal is not None
        assert "pluginDefaults" in refusal  # Kestra 2.0 has none, for no plugin
        flow = fill(COMMANDS, DEFAULTS="", PROJECT=project, VALUES=textwrap.indent(DEFAULTS, " " * 8))
    result = run_flow(flow, project=None)
    assert result.state == "SUCCESS", result.log_text
    assert "`fullRefresh` has no meaning for `dbt deps`, and is passed over." in result.log_text
    assert set(result.outputs("seed")["outputFiles"]) == {"manifest.json"}
    assert result.outputs("seed").get("runSummary") is None
    build = result.outputs("build")
    assert set(build["outputFiles"]) == {"manifest.json", "run_results.json"}
    assert build["exitCode"] == 0
    assert build["runSummary"]["total"] == build["runSummary"]["success"] == 1
    assert [node["uniqueId"] for node in build["runSummary"]["slowest"]] == ["model.shop.stg_orders"]
    assert build["testSummary"] == {"total": 1, "pass": 1, "fail": 0, "warn": 0, "error": 0, "skipped": 0}
    assert "1 model, 1 test" in result.log_text
    (node,) = [run for run in result.task_runs if run.get("value") == "model.shop.stg_orders"]
    assert node["parentTaskRunId"] == result.task_run("build")["id"]


@pytest.mark.by_turns
def test_a_setup_in_a_task_of_its_own(run_flow: RunFlow) -> None:
    """The dbt and the profiles that one task makes ready are those of the next."""
    result = run_flow(fill(SETUP, PROJECT=textwrap.indent(PROJECT, " " * 6), PROFILES=PROFILES), project=None)
    assert result.state == "SUCCESS", result.log_text
    assert "Made a virtual environment with dbt-core>=1.10,<1.12, dbt-duckdb in " in result.log_text
    assert result.outputs("build")["summary"]["success"] == 3


@pytest.mark.by_turns
def test_manifests_in_the_kv_store(run_flow: RunFlow) -> None:
    """The manifest is kept after a success alone, and found by `--state`, also as the other plugin stores it."""
    result = run_flow(fill(MANIFESTS, KEY="manifest.json", PROFILES=PROFILES), project=None)
    assert result.state == "WARNING", result.log_text  # the last dbt failed, and the commands went on
    assert "There is no manifest yet under the key" in result.log_text
    assert "`logFormat` has no meaning any more" in result.log_text
    first = result.outputs("first")
    assert first["vars"] == {"answer": 42}
    assert result.outputs("noted")["value"] == first["outputFiles"]["manifest.json"]
    assert result.files["second/modified.txt"].read_text().split() == ["b"]
    assert result.task_run("third")["state"]["current"] == "WARNING"
    assert isinstance(result.outputs("kept")["value"], dict)


def test_every_former_property_is_taken_and_no_other(engine: Engine) -> None:
    """Kestra takes every property of every former type, and still refuses one that there is not."""
    flows = Path(__file__).parents[1] / "plugin/src/test/resources/flows"
    assert engine.validate(flows / "former-spelling-cloud.yaml") is None
    everything = flows / "former-spelling.yaml"
    assert engine.validate(everything) is None
    refusal = engine.validate(everything.read_text().replace("fullRefresh: true", "fullRefreshing: true", 1))
    assert refusal is not None
    assert "fullRefreshing" in refusal
