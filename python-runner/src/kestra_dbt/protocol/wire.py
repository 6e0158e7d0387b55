"""Events as lines: a prefix, then one JSON object, short enough for every log transport on the way."""

from pydantic import ValidationError

from kestra_dbt.contract import EVENT_PREFIX
from kestra_dbt.protocol.event import Ended, Event, EventAdapter, Failure, Log, NodeFinished

LINE_LIMIT = 8_000
"""Bytes of a line at most. Container runtimes cut lines at 16 KiB."""

_LONG_TEXT = {Log: "message", NodeFinished: "message", Failure: "detail", Ended: "reason"}


def encode(event: Event) -> bytes:
    """Return ``event`` as one line with its end; a text too long for a line is cut, and says so."""
    line = _line(event)
    field = _LONG_TEXT.get(type(event))
    text = getattr(event, field) if field else None
    keep = len(text) if text else 0
    while text and field and len(line) > LINE_LIMIT and keep > 0:
        # A character is up to 4 bytes, or 6 escaped: shrink by what is over, at least by a tenth.
        keep = min(keep - (len(line) - LINE_LIMIT) // 6 - 100, keep * 9 // 10)
        cut = f"{text[: max(keep, 0)]}… ({len(text):,} characters; dbt.log has the whole)"
        line = _line(event.model_copy(update={field: cut}))
    return line


def decode(line: str) -> Event | None:
    """Return the event in ``line``; None for a plain line, or for a kind this version does not know."""
    if not line.startswith(EVENT_PREFIX):
        return None
    try:
        return EventAdapter.validate_json(line[len(EVENT_PREFIX) :])
    except ValidationError as error:
        if any(problem["type"] in ("union_tag_invalid", "union_tag_not_found") for problem in error.errors()):
            return None
        raise


def is_kind(line: bytes, kind: str) -> bool:
    """Tell, without decoding it, whether ``line`` is an event of this kind (as ``encode`` writes it)."""
    return line.startswith(EVENT_PREFIX.encode()) and f'"kind":"{kind}"'.encode() in line[:160]


def _line(event: Event) -> bytes:
    return f"{EVENT_PREFIX}{event.model_dump_json(exclude_none=True)}\n".encode()
