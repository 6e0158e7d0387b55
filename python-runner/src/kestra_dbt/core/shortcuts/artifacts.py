"""How dbt encodes what it writes."""

import json
from typing import Any


def encode_json_at_once() -> None:
    """Have artifacts encoded by the fast encoder of Python, which is not used for what is written part by part."""
    from dbt_common.utils.encoding import JSONEncoder  # noqa: PLC0415 - dbt is imported where it runs alone

    encode = json.JSONEncoder.iterencode

    def iterencode(encoder: JSONEncoder, o: object, _one_shot: bool = False) -> Any:  # noqa: ANN401 - as it is
        return encode(encoder, o, True)

    JSONEncoder.iterencode = iterencode  # type: ignore[method-assign, assignment]


def encode_changes_alone() -> None:
    """Have manifest.json encoded once, and only what has changed of it after that."""
    from kestra_dbt.core.shortcuts.manifest_text import encode_changes_alone  # noqa: PLC0415 - it imports dbt

    encode_changes_alone()
