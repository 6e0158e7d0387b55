"""The contract as JSON Schema, for readers in other languages."""

import json
from pathlib import Path

from kestra_dbt.contract import PROTOCOL_VERSION
from kestra_dbt.protocol.event import EventAdapter
from kestra_dbt.protocol.request import RequestAdapter, Secrets


def schemas() -> dict[str, str]:
    """Return each schema's text by its file name."""
    documents = {
        "request": RequestAdapter.json_schema(),
        "secrets": Secrets.model_json_schema(),
        "event": EventAdapter.json_schema(mode="serialization"),
    }
    return {
        f"{name}.schema.json": json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-version": PROTOCOL_VERSION, **document},
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
        for name, document in documents.items()
    }


def write_schemas(folder: Path) -> None:
    """Write all schemas into ``folder``."""
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")
