"""Settings of sampling: how text is drawn from a trained network."""

import secrets
from typing import Annotated, Literal

from graphrnn.errors import UserError
from graphrnn.settings.fields import STRICT, Positive, Seed

from cyclopts import Parameter
from pydantic import (
    Field,
)
from pydantic.dataclasses import dataclass

Prompt = Annotated[str, Parameter(allow_leading_hyphen=True)]

StateUse = Literal["as-trained", "windows", "carried"]
"""How much of a text a prediction depends on: the last T characters, read from a zero state, or all
of it, through a state that is carried along. A network was trained in one of these ways."""

CheckpointChoice = Literal["best", "last"]
"""Which network of a run: that of the lowest held-out loss, or the newest."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SampleSettings:
    """How text is drawn from a trained network."""

    prompt: Prompt | None = None
    """Text that warms up the state; it is printed first. Without it "The", or another beginning
    where the network has never seen these letters, or reads more of them at once."""
    length: Positive = 400
    """Characters to write after the prompt."""
    temperature: Annotated[float, Field(allow_inf_nan=False)] = 0.8
    """Low: safe and repetitive. High: adventurous, with more mistakes. 1: as learnt."""
    greedy: bool = False
    """Always write the likeliest character (temperature towards 0)."""
    top_k: Positive | None = None
    """Draw only among the K likeliest characters."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Draw only among the likeliest characters that together reach this probability (nucleus)."""
    count: Annotated[int, Field(gt=0, le=1000)] = 1
    """Texts to write at once."""
    seed: Seed | None = None
    """Seed of the draws; each prompt has draws of its own. Without it a new one is drawn."""

    def some_seed(self) -> int:
        """Return the seed, or where none was given one that is drawn anew."""
        return secrets.randbelow(2**32) if self.seed is None else self.seed

    def __post_init__(self) -> None:
        """Refuse a temperature that divides by nothing.

        Raises:
            UserError: the temperature is 0 or less.
        """
        if self.temperature <= 0:
            raise UserError(
                f"--temperature: got {self.temperature:g}, needed more than 0; "
                "for the likeliest character at every step say --greedy"
            )
