"""Webhooks of the fake dbt platform: what is sent, how it is signed, and how often it is tried."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fake_platform.client import FakePlatform
from fake_platform.events import Event, sign
from waiting import wait_until

SECRET = "whsec_example_not_real_0001"
SIGNATURE = "0de76a671bed55f56f04ccb4f42aeb20d4a2ce066a2f8153eec63b355d60cd2b"
EXAMPLE = (
    b'{"accountId":12345,"eventId":"wev_Example0001","timestamp":"2026-01-15T10:22:41.2501047Z",'
    b'"eventType":"job.run.completed","webhookId":"wsu_Example0000","webhookName":"ops-listener","data":{'
    b'"jobId":"901","jobName":"nightly build","runId":"70471831584850","environmentId":"77","environmentName":"Prod",'
    b'"dbtVersion":"latest","projectName":"shop","projectId":"55","runStatus":"Success","runStatusCode":10,'
    b'"runStatusMessage":"None","runReason":"scheduled","runStartedAt":"2026-01-15T10:20:02Z",'
    b'"runFinishedAt":"2026-01-15T10:22:38Z"}}'
)


class Receiver(ThreadingHTTPServer):
    """Keeps what is sent to it, and answers with the codes that it is given; 200 when they are used up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str | None, bytes]] = []
        self.codes: list[int] = []
        self.answers_after_s = 0.0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def events(self) -> list[Any]:
        """What was sent, read."""
        return [json.loads(body) for _, body in self.received]


class Handler(BaseHTTPRequestHandler):
    """Takes one event."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep it, and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers["Authorization"], body))
        time.sleep(self.server.answers_after_s)
        self.send_response(self.server.codes.pop(0) if self.server.codes else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver of events."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_worked_example_of_the_contract_comes_out_right() -> None:
    """The same bytes, and the same signature over them; other bytes with the same meaning have another one."""
    assert len(EXAMPLE) == 529
    assert Event.model_validate_json(EXAMPLE).body() == EXAMPLE
    assert sign(SECRET, EXAMPLE) == SIGNATURE
    spaced = json.dumps(json.loads(EXAMPLE)).encode()
    assert sign(SECRET, spaced) == "0264d1b3328c0ef06bbc5d24021b930e492984cf6df8d32019a785f7b3f60d94"


def test_a_failure_is_told_at_once_and_again_when_its_artifacts_are_there(
    platform: FakePlatform, receiver: Receiver
) -> None:
    """Started, errored, completed; signed with the secret; tried again until it is taken; nothing for other jobs."""
    webhook, secret = platform.subscribe(
        receiver.url, "job.run.started", "job.run.errored", "job.run.completed", job_ids=[platform.job_id]
    )
    platform.settings(webhook_backoff_s=0.01, artifacts_delay_s=1)
    platform.script(platform.job_id, (3, 0), (20, 0))
    other = platform.add_job(["dbt build"])
    platform.script(other, (3, 0), (10, 0))
    receiver.codes = [500, 302]
    platform.wait(platform.trigger(other))
    run_id = platform.trigger(cause="me")
    wait_until(lambda: len(receiver.received) == 5)
    assert all(sign(secret, body) == signature for signature, body in receiver.received)
    events = {event["eventType"]: event for event in receiver.events()}
    errored, completed = events["job.run.errored"], events["job.run.completed"]
    assert events["job.run.started"]["data"]["runStatus"] == "Running"
    assert (errored["accountId"], errored["webhookId"]) == (platform.account_id, webhook)
    assert (errored["data"]["runId"], errored["data"]["runStatusCode"]) == (str(run_id), 20)
    assert "runErroredAt" in errored["data"]
    assert "runFinishedAt" in completed["data"]
    assert len({event["eventId"] for event in receiver.events()}) == 3
    assert sorted(len(delivery["attempts"]) for delivery in platform.deliveries()) in ([1, 1, 3], [1, 2, 2])


def test_a_slow_receiver_is_told_six_times_and_no_more(platform: FakePlatform, receiver: Receiver) -> None:
    """One that answers too late gets the same event again, five times, although it has taken it each time."""
    platform.subscribe(receiver.url, "job.run.completed")
    platform.settings(webhook_timeout_s=0.2, webhook_backoff_s=0.01)
    receiver.answers_after_s = 0.5
    platform.script(platform.job_id, (3, 0), (10, 0))
    platform.trigger()
    wait_until(lambda: [len(one["attempts"]) for one in platform.deliveries()] == [6])
    (delivery,) = platform.deliveries()
    assert all("Timeout" in attempt["error"] for attempt in delivery["attempts"])
    assert len({body for _, body in receiver.received}) == 1
    time.sleep(0.5)  # longer than a seventh would be waited for
    assert len(receiver.received) == 6


def test_bad_signatures_and_copies_and_silence(platform: FakePlatform, receiver: Receiver) -> None:
    """A wrong signature, the same event twice, and no event of a run that was cancelled."""
    _, secret = platform.subscribe(receiver.url, "job.run.completed", "job.run.errored")
    platform.settings(webhook_signature="wrong", webhook_copies=2)
    platform.script(platform.job_id, (3, 0), (10, 0))
    platform.trigger()
    wait_until(lambda: len(receiver.received) == 2)
    assert receiver.received[0] == receiver.received[1]
    assert receiver.received[0][0] != sign(secret, receiver.received[0][1])
    platform.script(platform.job_id, (3, 3600))
    run_id = platform.trigger()
    platform.wait(run_id, 3)
    platform.cancel(run_id)
    platform.wait(run_id)
    assert len(platform.deliveries()) == 1


def test_subscriptions_are_kept_and_tried_out(platform: FakePlatform, receiver: Receiver) -> None:
    """The secret is told once. A test event is about a run that does not exist."""
    with platform.api() as api:
        hooks = f"{platform.url}/api/v3/accounts/{platform.account_id}/webhooks"
        body = {"name": "ops", "client_url": receiver.url, "event_types": ["job.run.completed"], "active": False}
        created = api.post(f"{hooks}/subscriptions", json={**body, "job_ids": [901]})
        assert (created.status_code, created.json()["status"]) == (201, {"code": 201})
        subscription = created.json()["data"]
        assert (subscription["job_ids"], subscription["http_status_code"]) == (["901"], "0")
        one = f"{hooks}/subscription/{subscription['id']}"
        assert "hmac_secret" not in api.get(one).json()["data"]
        assert api.put(one, json={**body, "client_url": receiver.url + "2"}).json()["data"]["active"] is True
        told = api.get(f"{one}/test").json()["data"]
        assert told == {"verification_error": None, "verification_status_code": "200"}
        (signature, raw), (event,) = receiver.received[0], receiver.events()
        assert signature == sign(subscription["hmac_secret"], raw)
        assert api.get(f"/runs/{event['data']['runId']}/").status_code == 404
        (logged,) = api.get(f"{one}/events").json()["data"]
        receipt = api.get(f"{one}/event/{logged['id']}/receipt").json()["data"]
        assert (receipt["request_body"].encode(), receipt["response_status_code"]) == (raw, 200)
        assert api.get(f"{hooks}/subscriptions").json()["extra"]["pagination"]["total_count"] == 1
        assert api.get(f"{hooks}/subscriptions/").status_code == 404
        assert api.delete(one).json()["data"] == {"id": subscription["id"]}
        assert api.get(one).status_code == 404
