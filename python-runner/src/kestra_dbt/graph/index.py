"""What a pack says about itself, so that it can be judged without dbt."""

import hashlib
from typing import Any

from pydantic import Field

from kestra_dbt.protocol.graph_request import OwnState
from kestra_dbt.protocol.message import Message

FORMAT = 2
"""Changes when packs of earlier runners can't be used any more."""


class Place(Message):
    """Where a profile leads to, as far as the parsed project depends on it."""

    target: str = Field(description="Name of the target.")
    adapter: str = Field(description="Type of the adapter.")
    database: str | None = Field(None, description="Database of the target.")
    schema_name: str | None = Field(None, description="Schema of the target.")


class Index(Message):
    """The file `pack.json` of a pack."""

    format: int = Field(FORMAT, description="Of packs.")
    id: str = Field("", description="Hash of all that matters of the contents: the same project gives the same.")
    dbt_version: str = Field(description="The dbt that parsed it; no other can use what it wrote.")
    project: str = Field(description="Name of the project.")
    place: Place = Field(description="Where the profile led to.")
    profile: str | None = Field(None, description="Profile that was chosen instead of the project's.")
    target: str | None = Field(None, description="Target that was chosen instead of the profile's.")
    vars: dict[str, Any] = Field({}, description="dbt variables.")
    packages: str = Field("dbt_packages", description="Folder of the packages, from the project on.")
    defer: bool = Field(False, description="Whether nodes defer to the state in the pack.")
    favor_state: bool = Field(False, description="Whether they prefer it.")
    own_state: OwnState | None = Field(None, description="State that is replaced once all of the project was run.")
    nodes: dict[str, str] = Field({}, description="Each node with its type; `ephemeral` of models that are.")

    def identified(self, digests: list[tuple[str, str]]) -> "Index":
        """Return the same with its id, which depends on these files and their hashes too."""
        unpacked = self.model_copy(update={"id": "", "own_state": None})  # it makes no difference to what is unpacked
        whole = hashlib.sha256(unpacked.model_dump_json().encode())
        for name, digest in sorted(digests):
            whole.update(f"\n{digest} {name}".encode())
        return self.model_copy(update={"id": whole.hexdigest()[:20]})
