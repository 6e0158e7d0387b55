"""Requests, replies, and which function answers which path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

HELPER = "fake-platform-helper"
"""The User-Agent of what tests do besides what they test: it meets no faults, and is not counted."""
NOT_FOUND = "Not found; check your permissions."
HTML = "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"


class ApiError(Exception):
    """An answer that is an error, in the platform's envelope."""

    def __init__(self, code: int, message: str = NOT_FOUND) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Request:
    """A request as the functions that answer it see it."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    account_id: int
    hidden: int = 0
    """A fault: so many items at the end of each list are gone."""
    page_limit: int | None = None
    """A fault: a page has no more items than this, whatever was asked."""

    def one(self, name: str) -> str | None:
        """A parameter of the query; the last one, if it was given more than once."""
        values = self.query.get(name)
        return values[-1] if values else None

    def read(self, model: type[Model]) -> Model:
        """Read the body.

        Raises:
            ApiError: 400, which names the fields that are wrong.
        """
        try:
            return model.model_validate_json(self.body or b"{}")
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise ApiError(400, f"The request body is invalid. {wrong}") from error


@dataclass(frozen=True)
class Reply:
    """What is sent back. The body may be made while it is sent; then `size` says how long it will be."""

    code: int
    body: bytes | Iterator[bytes] = b""
    content_type: str = "application/json"
    size: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """Of the body, in bytes."""
        if isinstance(self.body, bytes):
            return len(self.body)
        assert self.size is not None, "a body that is made while it is sent has its size told"
        return self.size


def as_json(value: object, code: int = 200) -> Reply:
    """Answer with JSON, without an envelope."""
    return Reply(code, json.dumps(value, default=plain).encode())


def enveloped(value: object, code: int = 200, *, extra: object = None, short: bool = False) -> Reply:
    """Answer in the platform's envelope; `short` is that of the webhook endpoints."""
    full = {"code": code, "is_success": True, "user_message": "Success!", "developer_message": ""}
    message = {"status": {"code": code} if short else full, "data": value}
    return as_json(message if extra is None else {**message, "extra": extra}, code)


def error_reply(code: int, message: str) -> Reply:
    """Answer with an error in the platform's envelope."""
    status = {"code": code, "is_success": False, "user_message": message, "developer_message": ""}
    return as_json({"status": status, "data": None}, code)


def html(code: int) -> Reply:
    """Answer as a proxy or a web server does that knows nothing of the API."""
    title = f"{code} {HTTPStatus(code).phrase}"
    return Reply(code, HTML.format(title=title).encode(), "text/html; charset=utf-8")


def plain(value: object) -> Any:  # noqa: ANN401 - what JSON can say
    """Give what JSON cannot say by itself."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{value!r} is not for JSON")


Answer = Callable[..., Reply]


class Routes:
    """Paths with `{name}` for a number or an id, `{name:path}` for all that is left, and who answers them."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Answer]] = []

    def __call__(self, method: str, path: str) -> Callable[[Answer], Answer]:
        """Register a function; it is called with what the path holds, by name."""
        pattern = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>.+)", re.escape(path))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[\\w-]+)", pattern)

        def register(answer: Answer) -> Answer:
            self._routes.append((method, re.compile(pattern), answer))
            return answer

        return register

    def find(self, method: str, path: str) -> tuple[Answer, dict[str, Any]] | set[str]:
        """Return who answers, and with what; or the methods that the path has instead, none if it is unknown."""
        methods = set()
        for registered, pattern, answer in self._routes:
            if match := pattern.fullmatch(path):
                if registered == method:
                    held = match.groupdict().items()
                    return answer, {name: as_id(name, value) for name, value in held}
                methods.add(registered)
        return methods


def as_id(name: str, value: str) -> int | str:
    """Ids of all but webhooks are numbers."""
    return int(value) if name.endswith("_id") and value.isdigit() else value
