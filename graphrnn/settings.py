"""Every setting, once: command line, help and checkpoint header are made from these."""

from pathlib import Path
from typing import Annotated, Any, Literal

from graphrnn.errors import UserError

from cyclopts import Parameter
from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")

Positive = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Threads = Annotated[int, Field(gt=0, le=256)]


Prompt = Annotated[str, Parameter(allow_leading_hyphen=True)]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class TrainSettings:
    """What makes a training run: the same settings and machine give the same numbers."""

    model: str = "theano_rnn"
    """Network to train."""
    corpus: str = "python-docs"
    """Text to learn: python-docs, nietzsche, or the path of a UTF-8 file."""
    sequences: Positive = 200_000
    """Sequences to train on, all epochs together."""
    hidden: Annotated[int, Field(gt=0, le=65_536)] = 256
    """Units in the hidden state (H)."""
    time: Positive = 8
    """Characters in a sequence (T)."""
    batch: Positive = 1
    """Sequences in a batch (B)."""
    rate: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = 0.01
    """Learning rate of SGD."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the last update that the next one keeps."""
    clip: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    """Largest global norm of the gradients; without it they are left alone."""
    held_out: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """Share of the corpus, at its end, that is never trained on."""
    loop: str = "scan"
    """How the step is repeated in time: scan or unrolled."""
    backend: str = "auto"
    """What runs the graph: native (one C function), aesara (stock Aesara's C), python (slow, needs
    no compiler) or auto (native, and aesara for what that does not cover)."""
    threads: Threads | None = None
    """Threads of a step; without it OMP_NUM_THREADS, else one for each processor."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the weights."""
    seed: Seed = 0
    """Seed of the initial weights and of the order of the sequences."""
    out: Path | None = None
    """Folder of the run, new or empty; without it the next free runs/MODEL-N."""
    save_every: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 15.0
    """Seconds between checkpoints while training."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class SampleSettings:
    """How text is drawn from a trained network."""

    prompt: Prompt = "The"
    """Text that warms up the state; it is printed first."""
    length: Positive = 400
    """Characters to write after the prompt."""
    temperature: Annotated[float, Field(allow_inf_nan=False)] = 0.8
    """Low: safe and repetitive. High: adventurous, with more mistakes. 1: as learnt."""
    greedy: bool = False
    """Always write the likeliest character (temperature towards 0)."""
    top_k: Positive | None = None
    """Draw only among the K likeliest characters."""
    seed: Seed = 0
    """Seed of the draws."""

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


def describe(error: ValidationError) -> str:
    """Put a validation error into one line, with the names that the command line uses.

    Example:
        >>> try:
        ...     TrainSettings(hidden=0)
        ... except ValidationError as error:
        ...     print(describe(error))
        --hidden: got 0, needed a value greater than 0
    """
    return "; ".join(_describe_one(dict(item)) for item in error.errors())


def _describe_one(item: dict[str, Any]) -> str:
    """Put one complaint of pydantic's into words: name, got, needed."""
    name = str(item["loc"][0]).replace("_", "-") if item["loc"] else "settings"
    needed = str(item["msg"]).partition(", unable")[0]
    for opening in ("Input should be ", "Value error, "):
        needed = needed.removeprefix(opening)
    if needed.startswith(("greater", "less")):
        needed = f"a value {needed}"
    return f"--{name}: got {item['input']}, needed {needed}"
