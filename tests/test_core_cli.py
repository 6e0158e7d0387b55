"""Commands as users write them: pipes, folders, several dbts."""

import json

import flows
import pytest
from conftest import RunFlow
from test_core_build import assert_node_runs_are_true, rows


def test_commands_run_unmodified(run_flow: RunFlow) -> None:
    """Pipes, `cd`, `&&` and quotes work, each dbt is reported, and what is printed for Kestra becomes `vars`."""
    commands = """
        - dbt seed --select customers orders
        - cd models && cd .. && dbt run --select stg_customers stg_orders && dbt test --select stg_customers
        - dbt ls --quiet --select stg_customers --output name | grep -c stg_customers > count.txt
        - 'echo "::{\\"outputs\\":{\\"counted\\":$(cat count.txt)}}::"'
        - "echo \\"two  spaces\\" 'and $HOME' # {{ flow.id }}"
    """
    result = run_flow(flows.cli(commands, "outputFiles: [count.txt]"))
    assert result.state == "SUCCESS", result.log_text
    outputs = result.outputs("cli")
    assert outputs["vars"]["counted"] >= 1
    assert "two  spaces and $HOME" in result.log_text
    assert {"1-seed/run_results.json", "2-run/run_results.json", "3-test/run_results.json"} <= set(outputs["artifacts"])
    assert json.loads(result.files["cli/run_results.json"].read_text())["args"]["which"] == "test"
    assert set(outputs["outputFiles"]) == {"count.txt"}
    assert {row["invocation"] for row in rows(result, "cli")} == {1, 2, 3}
    tests = [run for run in result.task_runs if (run.get("value") or "").startswith("test.")]
    (model,) = [run for run in result.task_runs if run.get("value") == "model.shop.stg_customers"]
    assert tests
    assert model["id"] in {run["parentTaskRunId"] for run in tests}


@pytest.mark.by_turns
def test_a_failing_dbt_stops_the_commands(run_flow: RunFlow) -> None:
    """As in Kestra's script tasks, the first command that fails is the last one, unless `failFast` is off."""
    commands = """
        - dbt build
        - echo never
    """
    result = run_flow(flows.cli(commands), project="broken/failing_model")
    assert result.state == "FAILED"
    assert "1 of 4 nodes failed: model boom" in result.log_text
    assert " never\n" not in result.log_text
    assert_node_runs_are_true(result, "cli")


def test_a_tolerated_failure_is_a_warning(run_flow: RunFlow) -> None:
    """A failure that the commands go over is told, not swallowed."""
    result = run_flow(flows.cli("- dbt build || true"), project="broken/failing_model")
    assert result.state == "WARNING"
    assert "`dbt build` failed, and the script went on." in result.log_text
