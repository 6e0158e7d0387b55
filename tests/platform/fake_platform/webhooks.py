"""Delivers events to webhooks: attempts, pauses between them, and the log of it."""

from __future__ import annotations

import threading

import httpx

from fake_platform.clock import now
from fake_platform.events import EventData, event_for, of_nothing, of_run, sign
from fake_platform.records import Attempt, Delivery
from fake_platform.store import Store
from fake_platform.wire import Subscription

KEPT_OF_ANSWER = 1000


class Webhooks:
    """Delivers events, each to each of its subscribers on a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def notify(self, event_type: str, run_id: int) -> None:
        """Deliver an event of a run to all that want it, as the run is now."""
        run = self._store.runs.get(run_id)
        assert run, "no run is ever taken out of the table"
        for subscription in self._store.subscriptions:
            if subscription.active and event_type in subscription.event_types and subscription.wants(run.job_id):
                delivery = self._log(subscription, event_type, of_run(self._store, event_type, run))
                thread = threading.Thread(target=self._deliver, args=(delivery,), daemon=True)
                with self._lock:
                    self._threads = [*(one for one in self._threads if one.is_alive()), thread]
                    thread.start()

    def test(self, subscription: Subscription) -> Attempt:
        """Send a sample event, once, and return what came of it."""
        event_type = subscription.event_types[0]
        return self._attempt(subscription, self._log(subscription, event_type, of_nothing(self._store, event_type)))

    def close(self) -> None:
        """Give up what could not be delivered yet."""
        self._closed.set()
        for thread in list(self._threads):
            thread.join()

    def _log(self, subscription: Subscription, event_type: str, data: EventData) -> Delivery:
        """Write an event down, to be delivered with exactly these bytes."""
        event = event_for(self._store, subscription, event_type, data)
        delivery = Delivery(
            id=event.eventId,
            subscription_id=subscription.id,
            event_type=event_type,
            at=now(),
            body=event.body().decode(),
        )
        return self._store.deliveries.put(delivery.id, delivery)

    def _deliver(self, delivery: Delivery) -> None:
        for _ in range(self._store.settings.webhook_copies):
            self._repeat_until_taken(delivery)

    def _repeat_until_taken(self, delivery: Delivery) -> None:
        settings = self._store.settings
        pauses = [settings.webhook_backoff_s * 2**number for number in range(settings.webhook_retries)]
        for pause in [0.0, *pauses]:
            subscription = self._store.subscriptions.get(delivery.subscription_id)
            if self._closed.wait(pause) or subscription is None or self._attempt(subscription, delivery).taken:
                return

    def _attempt(self, subscription: Subscription, delivery: Delivery) -> Attempt:
        body, settings = delivery.body.encode(), self._store.settings
        headers = {"Content-Type": "application/json", "User-Agent": "dbt-platform-webhooks"}
        if settings.webhook_signature != "missing":
            key = subscription.hmac_secret if settings.webhook_signature == "right" else "another secret"
            headers["Authorization"] = sign(key, body)
        attempt = send(subscription.client_url, headers, body, settings.webhook_timeout_s)
        with self._store.lock:
            logged = self._store.deliveries.get(delivery.id) or delivery
            self._store.deliveries.change(delivery.id, attempts=(*logged.attempts, attempt))
            if self._store.subscriptions.get(subscription.id):
                self._store.subscriptions.change(subscription.id, http_status_code=str(attempt.status or 0))
        return attempt


def send(url: str, headers: dict[str, str], body: bytes, timeout_s: float) -> Attempt:
    """Send a body, and return what came of it; redirects are not followed."""
    began = now()
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=timeout_s, trust_env=False)
    except httpx.HTTPError as error:
        return Attempt(at=began, error=repr(error))
    return Attempt(at=began, status=answer.status_code, answer=answer.text[:KEPT_OF_ANSWER])
