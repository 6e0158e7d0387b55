"""What all messages to the runner have in common."""

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A message that says nothing but what is declared: a misspelled field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
