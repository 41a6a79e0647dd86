"""Settings of the analysis of gradients."""

from pathlib import Path
from typing import Annotated

from graphrnn.settings.fields import STRICT, Positive, Seed, TextName

from pydantic import (
    Field,
)
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, config=STRICT)
class GradientSettings:
    """What is measured of the gradients over time, and on what data."""

    time: Annotated[int, Field(ge=2)] = 50
    """Characters in a sequence (T): how far back the last loss is followed."""
    hidden: Annotated[int, Field(gt=0, le=65_536)] = 64
    """Units in the hidden state (H)."""
    batch: Positive = 32
    """Sequences in a batch (B)."""
    steps: Annotated[int, Field(ge=0)] = 100
    """Training steps between the two measurements; 0 measures once."""
    learning_rate: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = 0.1
    """Learning rate of SGD in these steps."""
    clip: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = 1.0
    """Largest global norm of the gradients, where they are clipped."""
    corpus: TextName = "python-prose"
    """Text to measure on: python-prose, python-docs, nietzsche, or the path of a UTF-8 file."""
    seed: Seed = 0
    """Seed of the initial weights and of the order of the sequences."""
    out: Path = Path("gradients.png")
    """Picture to write."""
    backend: str = "auto"
    """What runs the graphs: auto, native, aesara or python."""
