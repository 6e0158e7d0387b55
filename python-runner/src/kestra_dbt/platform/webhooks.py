"""Webhook subscriptions: what the platform calls when runs begin and end."""

from collections.abc import Iterator
from dataclasses import dataclass

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.errors import NotFoundError
from kestra_dbt.platform.api.models import Subscription

EVENTS = ("job.run.started", "job.run.completed", "job.run.errored")
"""What can be subscribed to. A failed run is both: errored at once, completed when its artifacts are there."""


@dataclass(frozen=True)
class Wanted:
    """A subscription to be created."""

    name: str
    url: str
    """That is called; https."""
    events: list[str]
    """Some of `EVENTS`."""
    job_ids: list[int]
    """Jobs that it is about; none: all."""
    description: str = ""


def create(api: Api, wanted: Wanted) -> Subscription:
    """Create a subscription, which tells its secret only now.

    Raises:
        RequestError: the address is none, or there is such a subscription already.
        PlatformError: the platform refuses.
    """
    if not wanted.url.startswith("https://"):
        raise RequestError(f"The address {wanted.url!r} has to begin with https://.")
    there = ((one.id, one.name, one.client_url) for one in api.subscriptions())
    same = next((one for one, name, url in there if (name, url) == (wanted.name, wanted.url)), None)
    if same is not None:
        raise RequestError(
            f"There is a webhook {wanted.name} for this address already ({same}). Its secret was told when it was "
            "created, and is not again: if it is lost, remove the webhook first."
        )
    body = {
        "name": wanted.name,
        "client_url": wanted.url,
        "event_types": wanted.events,
        "job_ids": wanted.job_ids,
        "active": True,
    }
    return api.subscribe({**body, "description": wanted.description} if wanted.description else body)


def listed(api: Api) -> Iterator[Subscription]:
    """Yield the subscriptions of the account."""
    return api.subscriptions()


def remove(api: Api, subscription_id: str) -> bool:
    """Remove a subscription; False if it was gone already."""
    try:
        api.unsubscribe(subscription_id)
    except NotFoundError:
        return False
    return True
