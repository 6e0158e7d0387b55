"""Filters, order and pages of the API's lists."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

from fake_platform.clock import parse
from fake_platform.routing import ApiError, Reply, Request, enveloped

LIMIT = 100
NOT_FILTERS = {"limit", "offset", "order_by", "include_related", "state"}

Item = dict[str, Any]


def listed(
    request: Request, items: Iterable[Item], *, filters: set[str], orders: set[str], state: str, short: bool = False
) -> Reply:
    """Answer with a page of those items that the query wants.

    Args:
        request: its query says what is wanted.
        items: all there are.
        filters: names that the query may use; others are passed over, as the platform does.
        orders: fields by which they may be ordered, `id` ascending unless asked.
        state: which are shown unless asked: `1` (active) or `all`.
        short: whether the envelope is that of the webhook endpoints.
    """
    wanted = {name: values[-1] for name, values in request.query.items() if name in filters - NOT_FILTERS}
    asked_state = request.one("state") or state
    if asked_state != "all":
        wanted["state"] = asked_state
    try:
        kept = [item for item in items if all(keeps(item, name, value) for name, value in wanted.items())]
    except ValueError as error:
        raise ApiError(400, f"A filter cannot be read: {error}") from error
    return page(request, ordered(request, kept, orders), wanted, short=short)


def page(request: Request, items: list[Item], wanted: Item, *, short: bool) -> Reply:
    """Answer with the page that `limit` and `offset` ask for."""
    limit, offset = number(request, "limit", LIMIT), number(request, "offset", 0)
    if not 1 <= limit <= LIMIT:
        raise ApiError(400, f"limit: {limit} is not between 1 and {LIMIT}")
    shown = items[: max(len(items) - request.hidden, 0)]
    chosen = shown[offset : offset + min(limit, request.page_limit or limit)]
    extra = {
        "filters": {"limit": limit, "offset": offset, "account_id": request.account_id, **wanted},
        "order_by": request.one("order_by") or "id",
        "pagination": {"count": len(chosen), "total_count": len(shown)},
    }
    return enveloped(chosen, extra=extra, short=short)


def ordered(request: Request, items: list[Item], orders: set[str]) -> list[Item]:
    """Put items into the order that is asked for; those without the field come first."""
    order = request.one("order_by") or "id"
    field = order.lstrip("-")
    if field not in orders:
        raise ApiError(400, f"order_by: {order} is not one of {', '.join(sorted(orders))}, or these after a minus")
    in_order = sorted(items, key=lambda item: (item.get(field) is not None, item.get(field) or 0, item["id"]))
    return in_order[::-1] if order.startswith("-") else in_order


def keeps(item: Item, name: str, value: str) -> bool:
    """Whether an item passes one filter: `status`, `status__in`, `created_at__range`, `id__gt`, `name__icontains`."""
    field, _, operation = name.partition("__")
    have = {"pk": item["id"], "triggers_schedule": item.get("triggers", {}).get("schedule")}.get(field, item.get(field))
    if operation == "in":
        return text(have) in [text(one) for one in values(value)]
    if operation == "gt":
        return have is not None and have > int(value)
    if operation == "icontains":
        return value.lower() in text(have)
    if operation == "range":
        low, high = (parse(str(one)) for one in values(value))
        return have is not None and low <= parse(have) <= high
    return text(have) == value.lower()


def text(value: object) -> str:
    """A value as a query writes it."""
    return str(value).lower()


def values(written: str) -> list[Any]:
    """Read a list in one of its forms: `[1,2]`, `["a","b"]`, `['a', 'b']` or `a,b`."""
    stripped = written.strip()
    if not stripped.startswith("["):
        return [part.strip() for part in stripped.split(",") if part.strip()]
    try:
        return list(json.loads(stripped))
    except ValueError:
        pass
    try:
        return list(ast.literal_eval(stripped))
    except (ValueError, SyntaxError):
        return re.findall(r"[^\[\],\s]+", stripped)


def related(request: Request) -> set[str]:
    """The related objects that a request asks for, in any form of a list, or as a parameter for each."""
    return {str(name) for written in request.query.get("include_related", []) for name in values(written)}


def number(request: Request, name: str, default: int) -> int:
    """Read a parameter that is a number, from 0 on."""
    written = request.one(name)
    if written is None:
        return default
    if not written.isdigit():
        raise ApiError(400, f"{name}: {written} is no number from 0 on")
    return int(written)
