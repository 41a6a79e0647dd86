"""Types of fields that several settings share."""

from typing import Annotated

from pydantic import (
    ConfigDict,
    Field,
)

STRICT = ConfigDict(extra="forbid")


Positive = Annotated[int, Field(gt=0, lt=2**63)]


Name = Annotated[str, Field(max_length=100)]


TextName = Annotated[str, Field(max_length=4_096)]
"""The name of a corpus, which may be a path."""


Seed = Annotated[int, Field(ge=0, lt=2**63)]


Threads = Annotated[int, Field(gt=0, le=256)]
