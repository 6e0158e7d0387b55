"""Webhook subscriptions: Admin API v3. These paths have no slash at their end, and their envelope is a short one."""

from __future__ import annotations

import secrets

from fake_platform.api_v3 import V3, there
from fake_platform.clock import now
from fake_platform.fake import Fake
from fake_platform.lists import listed
from fake_platform.records import Attempt, Delivery
from fake_platform.routing import ApiError, Reply, Request, Routes, enveloped
from fake_platform.wire import Subscription, SubscriptionFields

MANY = V3 + "/webhooks/subscriptions"
ONE = V3 + "/webhooks/subscription/{webhook}"

routes = Routes()


@routes("GET", MANY)
def list_subscriptions(fake: Fake, request: Request) -> Reply:
    """Answer with subscriptions, without their secrets."""
    shown = [view(subscription) for subscription in fake.store.subscriptions]
    return listed(request, shown, filters=set(), orders={"id"}, state="all", short=True)


@routes("POST", MANY)
def create(fake: Fake, request: Request) -> Reply:
    """Subscribe. This answer alone has the secret."""
    fields = request.read(SubscriptionFields)
    at = str(int(now() * 1_000_000))
    subscription = Subscription(
        id=f"wsu_Fake{fake.store.new_id(1_001):010}",
        account_id=str(fake.store.account.id),
        account_identifier=fake.store.account.identifier,
        created_at=at,
        updated_at=at,
        hmac_secret=f"whsec_{secrets.token_hex(16)}",
        **told(fields),
    )
    fake.store.subscriptions.put(subscription.id, subscription)
    return enveloped(subscription, 201, short=True)


@routes("GET", ONE)
def get(fake: Fake, request: Request, webhook: str) -> Reply:  # noqa: ARG001
    """Answer with one subscription."""
    return enveloped(view(subscription_of(fake, webhook)), short=True)


@routes("PUT", ONE)
def replace(fake: Fake, request: Request, webhook: str) -> Reply:
    """Replace a subscription as a whole; another URL makes it active again."""
    before, fields = subscription_of(fake, webhook), request.read(SubscriptionFields)
    active = fields.active or fields.client_url != before.client_url
    changes = {**told(fields), "active": active, "updated_at": str(int(now() * 1_000_000))}
    return enveloped(view(fake.store.subscriptions.change(webhook, **changes)), short=True)


@routes("DELETE", ONE)
def delete(fake: Fake, request: Request, webhook: str) -> Reply:  # noqa: ARG001
    """End a subscription."""
    fake.store.subscriptions.delete(subscription_of(fake, webhook).id)
    return enveloped({"id": webhook}, short=True)


@routes("GET", ONE + "/test")
def test(fake: Fake, request: Request, webhook: str) -> Reply:  # noqa: ARG001
    """Send a sample event, and say what it was answered with."""
    attempt = fake.webhooks.test(subscription_of(fake, webhook))
    code = str(attempt.status) if attempt.status else None
    return enveloped({"verification_error": attempt.error, "verification_status_code": code}, short=True)


@routes("GET", ONE + "/events")
def events(fake: Fake, request: Request, webhook: str) -> Reply:
    """Answer with the events that were sent, the first one first."""
    subscription = subscription_of(fake, webhook)
    sent = [event_view(one) for one in fake.store.deliveries if one.subscription_id == subscription.id]
    return listed(request, sent, filters=set(), orders={"id"}, state="all", short=True)


@routes("GET", ONE + "/event/{event}/receipt")
def receipt(fake: Fake, request: Request, webhook: str, event: str) -> Reply:  # noqa: ARG001
    """Answer with what was sent, and with what it was answered the last time."""
    delivery = fake.store.deliveries.get(event)
    there(delivery if delivery and delivery.subscription_id == subscription_of(fake, webhook).id else None)
    assert delivery, "it is there"
    last = delivery.attempts[-1] if delivery.attempts else Attempt(at=delivery.at)
    answered = {"response_body": last.answer, "response_status_code": last.status, "error": last.error}
    return enveloped({**event_view(delivery), "request_body": delivery.body, **answered}, short=True)


def subscription_of(fake: Fake, webhook: str) -> Subscription:
    """Find a subscription.

    Raises:
        ApiError: 404, if there is none.
    """
    subscription = fake.store.subscriptions.get(webhook)
    if subscription is None:
        raise ApiError(404)
    return subscription


def told(fields: SubscriptionFields) -> dict[str, object]:
    """What a client says of a subscription, as it is returned: ids as strings."""
    return {**fields.model_dump(), "job_ids": [str(job_id) for job_id in fields.job_ids]}


def view(subscription: Subscription) -> dict[str, object]:
    """Show a subscription without its secret."""
    return subscription.model_dump(exclude={"hmac_secret"})


def event_view(delivery: Delivery) -> dict[str, object]:
    """Show an event in the log."""
    last = delivery.attempts[-1].status if delivery.attempts else None
    told = {"id": delivery.id, "event_type": delivery.event_type, "webhook_id": delivery.subscription_id}
    return {**told, "http_status_code": str(last or 0), "attempts": len(delivery.attempts)}
