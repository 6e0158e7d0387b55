"""The cause of a run: words for people, the way back to the execution, and a token that only our run has."""

import re

_LIMIT = 255
"""Characters that are sure to be kept."""

_WORDS = "Started by Kestra"


def cause_of(words: str | None, link: str | None, token: str) -> str:
    """Return the cause, in which the token is always whole; words are cut first, then the link is left out."""
    tail = f"{link} {token}" if link and len(link) + len(token) + 1 <= _LIMIT else token
    room = _LIMIT - len(tail) - 1
    said = " ".join((words or _WORDS).split())
    if len(said) > room:
        said = f"{said[: room - 1]}…" if room > 1 else ""
    return f"{said} {tail}".strip()


def has_token(cause: str, token: str) -> bool:
    """Tell whether a run with this cause is ours: the token stands alone in it."""
    return re.search(rf"(?<![\w-]){re.escape(token)}(?![\w-])", cause) is not None
