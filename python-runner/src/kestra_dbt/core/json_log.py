"""Lines of dbt's JSON log, read as the protobuf messages that dbt's own callbacks get."""

import json

from kestra_dbt.terms.fields import Fields


def parse(line: bytes) -> Fields | None:
    """Return the event in a line of dbt's JSON log; None if it is none, as what a macro or a library prints."""
    if not line.startswith(b"{"):
        return None
    try:
        event: Fields = json.loads(line, object_hook=Fields)
    except ValueError:
        return None
    known = isinstance(event.info, Fields) and isinstance(event.info.msg, str) and isinstance(event.info.ts, str)
    if not known:
        return None
    event["data"] = event.data or Fields()
    return event
