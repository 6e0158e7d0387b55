"""The fake dbt platform behaves as the contract says, over real HTTP, with artifacts of real dbt runs."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_platform.client import FakePlatform

PROJECTS = Path(__file__).parent / "projects" / "broken"
QUEUED, RUNNING, SUCCESS, ERROR, CANCELLED = 1, 3, 10, 20, 30
OVERRIDES: dict[str, Any] = {
    "schema_override": "dbt_pr_12",
    "target_name_override": "ci",
    "threads_override": 2,
    "steps_override": ["dbt build"],
    "generate_docs_override": True,
}
WHOLE_RUN = ((1, 0), (2, 0), (3, 0), (SUCCESS, 0))


@pytest.fixture
def api(platform: FakePlatform) -> Iterator[httpx.Client]:
    """Return a client with the token."""
    with platform.api() as client:
        yield client


def data(response: httpx.Response, code: int = 200) -> Any:  # noqa: ANN401 - it is JSON
    """Return what is in an envelope."""
    assert response.status_code == code, response.text
    message = response.json()
    assert message["status"]["code"] == code
    assert message["status"]["is_success"] is (code < 400)
    return message["data"]


def test_a_run_is_real_and_its_overrides_are_honoured(platform: FakePlatform, api: httpx.Client) -> None:
    """A job runs dbt with setup steps before and docs after; each dbt step keeps the artifacts that it left."""
    job_id = platform.add_job(["dbt test"], project_id=platform.add_project(PROJECTS / "warning"), generate_docs=False)
    more = {"git_sha": "abc", "github_pull_request_id": None, "unknown": 1}
    queued = data(api.post(f"/jobs/{job_id}/run/", json={"cause": "me", **OVERRIDES, **more}))
    assert (queued["status"], queued["job_definition_id"], queued["started_at"]) == (QUEUED, job_id, None)
    platform.wait(queued["id"])

    run = data(api.get(f"/runs/{queued['id']}/", params={"include_related": '["run_steps","trigger"]'}))
    assert (run["status"], run["status_humanized"], run["is_success"], run["git_sha"]) == (10, "Success", True, "abc")
    assert run["started_at"][10] == " "
    assert run["started_at"].endswith("+00:00")
    assert run["has_docs_generated"]
    assert run["trigger"]["cause"] == "me"
    steps = run["run_steps"]
    assert [step["index"] for step in steps] == [1, 2, 3, 4, 5]
    assert [step["name"] for step in steps[2:]] == [
        "Invoke dbt with `dbt deps`",
        "Invoke dbt with `dbt build`",
        "Invoke dbt with `dbt docs generate`",
    ]
    assert "\x1b[" in steps[3]["logs"]
    assert "Completed" in steps[3]["logs"]
    assert steps[3]["debug_logs"] is None
    assert "[debug]" in steps[3]["truncated_debug_logs"]

    artifacts = f"/runs/{run['id']}/artifacts/"
    names = data(api.get(artifacts))
    assert {"manifest.json", "run_results.json", "catalog.json", "run/warning/models/people.sql"} <= set(names)
    assert api.get(f"{artifacts}run_results.json").json()["args"]["which"] == "generate"
    of_build = api.get(f"{artifacts}run_results.json", params={"step": 4})
    assert of_build.headers["content-type"] == "application/json"
    results = of_build.json()
    assert results["args"]["which"] == "build"
    assert {result["relation_name"] for result in results["results"] if result["unique_id"].startswith("model")} == {
        '"warehouse"."dbt_pr_12"."people"',
        '"warehouse"."dbt_pr_12"."after_people"',
    }
    assert "Concurrency: 2 threads (target='ci')" in steps[3]["logs"]
    assert api.get(f"/jobs/{job_id}/artifacts/run_results.json", params={"step": 4}).content == of_build.content
    data(api.get(f"{artifacts}sources.json"), 404)
    data(api.get(f"{artifacts}../5/log.txt".replace("../", "%2E%2E/")), 404)


def test_a_run_is_cancelled_in_the_queue_or_while_dbt_runs(platform: FakePlatform, api: httpx.Client) -> None:
    """One slot: the second run waits. Cancel ends it at once, and the first as soon as its dbt has stopped."""
    steps = ["dbt run --vars 'first_rows: 100000000000'", "dbt test"]
    job_id = platform.add_job(steps, project_id=platform.add_project(PROJECTS / "slow"))
    platform.settings(run_slots=1)
    platform.behave(job_id, mode="dbt")
    first, second = platform.trigger(job_id), platform.trigger(job_id)
    until_log_says(api, first, "START")
    assert [run["status"] for run in platform.runs(job_id)] == [RUNNING, QUEUED]

    cancelled = data(api.post(f"/runs/{second}/cancel/"))
    assert (cancelled["status"], cancelled["started_at"]) == (CANCELLED, None)
    assert cancelled["finished_at"]
    assert cancelled["status_message"]
    platform.cancel(first)
    assert platform.wait(first)["status"] == CANCELLED
    run = data(api.get(f"/runs/{first}/", params={"include_related": "run_steps"}))
    assert [step["status"] for step in run["run_steps"]] == [SUCCESS, SUCCESS, SUCCESS, CANCELLED]
    assert run["retry_not_supported_reason"] == "RETRY_NOT_FAILED_RUN"
    data(api.post(f"/runs/{first}/cancel/"), 400)


def until_log_says(api: httpx.Client, run_id: int, text: str) -> None:
    """Wait until a step's log has a text, which it gets while the step runs."""
    for _ in range(1200):
        time.sleep(0.1)
        steps = data(api.get(f"/runs/{run_id}/", params={"include_related": "run_steps"}))["run_steps"]
        if steps and steps[-1]["status"] == RUNNING and text in data(api.get(f"/steps/{steps[-1]['id']}/"))["logs"]:
            return
    raise AssertionError(f"No log says {text}.")


def test_a_failed_run_is_retried_from_its_failure(platform: FakePlatform, api: httpx.Client, tmp_path: Path) -> None:
    """`dbt retry` takes what had failed and what had been skipped, of the project as it is by then."""
    project = shutil.copytree(PROJECTS / "failing_test", tmp_path / "mended_later")
    job_id = platform.add_job(["dbt build", "dbt compile"], project_id=platform.add_project(project))
    failed = platform.trigger(job_id, schema_override="kept")
    assert platform.wait(failed)["status"] == ERROR
    run = data(api.get(f"/runs/{failed}/", params={"include_related": "run_steps"}))
    assert (run["can_retry"], run["retry_not_supported_reason"]) == (True, None)
    assert [step["status"] for step in run["run_steps"]] == [SUCCESS, SUCCESS, SUCCESS, ERROR]
    told = {"failed_step": "Invoke dbt with `dbt build`", "skipped_steps": ["Invoke dbt with `dbt compile`"]}
    assert data(api.get(f"/runs/{failed}/retry/")) == told

    people = project / "models" / "people.sql"
    people.write_text(people.read_text(encoding="utf-8").replace("null", "'Grace'"), encoding="utf-8")
    retried = data(api.post(f"/jobs/{job_id}/rerun/"))
    assert retried["retrying_run_id"] == failed
    assert platform.wait(retried["id"])["status"] == ERROR  # the test fails again: dbt does not build `people` again
    results = api.get(f"/runs/{retried['id']}/artifacts/run_results.json").json()
    assert {result["unique_id"].split(".")[2] for result in results["results"]} == {
        "not_null_people_name",
        "after_people",
    }
    data(api.post(f"/runs/{failed}/retry/"), 400)
    no_dbt = platform.add_job(["ls"])
    assert platform.wait(platform.trigger(no_dbt))["status"] == ERROR
    (run,) = data(api.get("/runs/", params={"job_definition_id": no_dbt}))
    assert run["retry_not_supported_reason"] == "RETRY_UNSUPPORTED_CMD"
    assert data(api.get(f"/runs/{failed}/"))["retry_not_supported_reason"] == "RETRY_NOT_LATEST_RUN"


def test_tokens_paths_and_methods(platform: FakePlatform) -> None:
    """Both words before the token are right, none is wrong. A slash that is missing helps no POST."""
    url, job = f"{platform.url}/api/v2/accounts/{platform.account_id}", f"/jobs/{platform.job_id}"

    def ask(method: str, path: str, authorization: str = f"Bearer {platform.token}") -> httpx.Response:
        return httpx.request(method, url + path, headers={"Authorization": authorization}, follow_redirects=False)

    assert data(ask("GET", f"{job}/"))["created_at"][10] == "T"
    assert data(ask("GET", f"{job}/", f"Token {platform.token}"))["name"] == "nightly build"
    data(ask("GET", f"{job}/", platform.token), 401)
    assert ask("GET", job).headers["location"].endswith(f"{job}/")
    lost = ask("POST", f"{job}/run")
    assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
    data(ask("GET", f"{job}/run/"), 405)
    data(ask("POST", f"{job}/run/"), 400)
    data(ask("GET", "/jobs/4711/"), 404)
    data(
        httpx.get(f"{platform.url}/api/v2/accounts/1/jobs/", headers={"Authorization": f"Token {platform.token}"}), 404
    )
    assert platform.runs() == []
    platform.revoke_token()
    data(ask("GET", f"{job}/"), 401)
    assert platform.token not in json.dumps(platform.requests())


def test_lists_are_filtered_ordered_and_paged(platform: FakePlatform, api: httpx.Client) -> None:
    """Runs come with the oldest first; a page says how many there are; no list has steps."""
    platform.script(platform.job_id, *WHOLE_RUN)
    other = platform.add_job(["dbt build"], name="Other")
    runs = [platform.trigger(cause=f"cause {number}") for number in range(5)]
    for run_id in runs:
        platform.wait(run_id)
    platform.settings(run_slots=0)
    platform.trigger(other)

    def ids(**query: Any) -> list[int]:  # noqa: ANN401 - of any type
        return [run["id"] for run in data(api.get("/runs/", params=query))]

    assert ids(job_definition_id=platform.job_id) == runs
    assert ids(job_definition_id=platform.job_id, order_by="-id", limit=2, offset=1) == [runs[3], runs[2]]
    assert ids(status__in="[1,3]") == ids(job_definition_id=other)
    assert ids(id__gt=runs[3], status=SUCCESS) == [runs[4]]
    assert ids(pk__in=f"{runs[0]},{runs[2]}") == [runs[0], runs[2]]
    assert ids(created_at__range='["2020-01-01","2021-01-01"]') == []
    extra = api.get("/runs/", params={"limit": 2, "offset": 4}).json()["extra"]
    assert extra["pagination"] == {"count": 2, "total_count": 6}
    data(api.get("/runs/", params={"limit": 101}), 400)
    forms = ('["trigger","run_steps"]', "trigger,run_steps", "['trigger', 'run_steps']", ["run_steps", "trigger"])
    for form in forms:
        (run,) = data(api.get("/runs/", params={"order_by": "id", "limit": 1, "include_related": form}))
        assert (run["trigger"]["cause"], run["run_steps"]) == ("cause 0", [])
    assert [job["id"] for job in data(api.get("/jobs/", params={"name__icontains": "OTHER"}))] == [other]
    assert data(api.delete(f"/jobs/{other}/"))["state"] == 2
    assert [job["id"] for job in data(api.get("/jobs/"))] == [platform.job_id]


def test_what_goes_wrong_on_the_way_leaves_the_runs_that_it_should(platform: FakePlatform, api: httpx.Client) -> None:
    """A fault before a POST prevents its run; one after it only hides it."""
    platform.script(platform.job_id, (RUNNING, 3600))
    trigger, run = f"/jobs/{platform.job_id}/run/", {"cause": "once"}
    platform.fault(method="POST", path="/run/$", reset=True)
    with pytest.raises(httpx.TransportError):
        api.post(trigger, json=run)
    platform.fault(path="/run/$", status=429, headers={"Retry-After": "7"})
    assert api.post(trigger, json=run).headers["retry-after"] == "7"
    assert platform.runs() == []
    platform.fault(path="/run/$", when="after", reset=True)
    with pytest.raises(httpx.TransportError):
        api.post(trigger, json=run)
    platform.fault(path="/run/$", when="after", status=502, as_html=True)
    assert api.post(trigger, json=run).text.startswith("<!DOCTYPE html>")
    first, second = (started["id"] for started in platform.runs())

    platform.fault(path=f"/runs/{first}/", set={"status": 99, "started_at": None, "news": [1]}, skip=1, times=2)
    seen = [data(api.get(f"/runs/{first}/")) for _ in range(4)]
    assert [one["status"] for one in seen] == [RUNNING, 99, 99, RUNNING]
    assert seen[1]["news"] == [1]
    platform.fault(path="/runs/$", hide=1)
    assert api.get("/runs/").json()["extra"]["pagination"] == {"count": 1, "total_count": 1}
    platform.fault(path=f"/runs/{second}/", cut_at=40)
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(f"/runs/{second}/")
    platform.fault(path=f"/runs/{first}/", action="cancel_run")
    api.get(f"/runs/{first}/")
    assert platform.wait(first)["status"] == CANCELLED
    platform.fault(path=f"/runs/{second}/", action="delete_run")
    data(api.get(f"/runs/{second}/"), 404)
    platform.fault(action="revoke_token")
    data(api.get("/jobs/"), 401)
    assert {fault["met"] for fault in platform.faults()} == {1, 2}
    assert [one["answered"] for one in platform.requests("POST")] == [None, 429, None, 502]


def test_it_goes_on_after_a_restart(platform: FakePlatform, api: httpx.Client) -> None:
    """What was queued still runs afterwards; what ran is told to have failed."""
    platform.script(platform.job_id, (RUNNING, 3600))
    job_id = platform.add_job(["no dbt"])
    platform.settings(run_slots=0, large_ids=True, clock_skew_s=-86400, durations_in_seconds=True)
    running, queued = platform.trigger(), platform.trigger(job_id)
    assert queued > 7e13
    platform.wait(running, RUNNING)
    data(api.get("/runs/"))
    platform.restart()
    assert [run["status"] for run in platform.runs()] == [ERROR, QUEUED]
    shown = data(api.get(f"/runs/{running}/"))
    assert shown["run_duration"] == f"{float(shown['run_duration'])}"
    assert [one["method"] for one in platform.requests(path="/runs/")] == ["GET", "GET"]


def test_many_and_large_artifacts_are_made_while_they_are_sent(platform: FakePlatform, api: httpx.Client) -> None:
    """5,000 more files and a manifest of any size, the same each time."""
    job_id = platform.add_job(["dbt build"], project_id=platform.add_project(PROJECTS / "warning"))
    size = 20_000_000
    platform.behave(job_id, mode="recorded", extra_artifacts=5000, manifest_bytes=size)
    artifacts = f"/runs/{platform.wait(platform.trigger(job_id, **OVERRIDES))['id']}/artifacts/"
    names = data(api.get(artifacts))
    assert len(names) > 5000
    assert api.get(artifacts + "compiled/generated/model_04999.sql").text == "select 4999 as id\n"
    manifest = api.get(artifacts + "manifest.json")
    assert len(manifest.content) == size
    assert len(manifest.json()["nodes"]) > 4000
