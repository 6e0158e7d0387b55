"""Webhook subscriptions and the delivery of events."""

from __future__ import annotations

from fake_platform.store import Store


class Webhooks:
    """Delivers events to those who subscribed to them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def notify(self, event: str, run_id: int) -> None:
        """Deliver an event of a run."""

    def close(self) -> None:
        """Wait for deliveries."""
