"""Tables as .ion files, which Kestra previews as tables."""

import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any


def write(rows: Iterable[Mapping[str, Any]], file: Path) -> int:
    """Write ``rows``, one a line, and return their number. Each line is JSON and Ion at once."""
    count = 0
    with file.open("w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(literal(row) + "\n")
            count += 1
    return count


def literal(value: object) -> str:
    """Return ``value`` as JSON that keeps every digit of a number; what JSON has no word for becomes text."""
    match value:
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float() if math.isfinite(value):
            return json.dumps(value)
        case Decimal() if value.is_finite():
            return format(value, "f")
        case Mapping():
            return (
                f"{{{', '.join(f'{json.dumps(str(k), ensure_ascii=False)}: {literal(v)}' for k, v in value.items())}}}"
            )
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
    moment = getattr(value, "isoformat", None)  # dates and times
    return json.dumps(moment() if moment else str(value), ensure_ascii=False)
