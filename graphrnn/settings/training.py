"""Every setting, once: command line, help and checkpoint header are made from these."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from graphrnn.errors import UserError
from graphrnn.settings.fields import STRICT, Name, Positive, Seed, TextName, Threads
from graphrnn.settings.optimizer import LearningSettings
from graphrnn.settings.recipes import recipe_for

from cyclopts import Parameter
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs


def _or_none(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Let None through: it stands for what the network's recipe says."""
    return None if value is None else check(value)


AS_MODEL: Any = None
"""Default of what differs from network to network; filled in when the settings are made."""

_FILLED = (
    WrapValidator(_or_none),
    Parameter(show_default=lambda value: "as the network has it, see graphrnn models"),
)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TrainSettings(LearningSettings):
    """What makes a training run: the same settings and machine give the same numbers."""

    model: Name = "theano_rnn"
    """Network to train; graphrnn models lists them."""
    corpus: TextName = "python-docs"
    """Text to learn: python-docs, nietzsche, or the path of a UTF-8 file."""
    sequences: Annotated[int, Field(gt=0, lt=2**63), *_FILLED] = AS_MODEL
    """Sequences to train on, all epochs together."""
    hidden: Annotated[int, Field(gt=0, le=65_536), *_FILLED] = AS_MODEL
    """Units in the hidden state (H)."""
    embedding: Annotated[int, Field(gt=0, le=65_536), *_FILLED] = AS_MODEL
    """Units in the embedding of a character."""
    layers: Annotated[int, Field(gt=0, le=100), *_FILLED] = AS_MODEL
    """Layers of stacked_lstm."""
    dropout: Annotated[float, Field(ge=0, lt=1), *_FILLED] = AS_MODEL
    """Share of units that stacked_lstm drops: of its inputs, of its states and between layers."""
    time: Annotated[int, Field(gt=0, lt=2**31), *_FILLED] = AS_MODEL
    """Characters in a sequence (T)."""
    batch: Annotated[int, Field(gt=0, lt=2**31), *_FILLED] = AS_MODEL
    """Sequences in a batch (B)."""
    optimiser: Annotated[Literal["sgd", "momentum", "nesterov", "rmsprop", "adam"], *_FILLED] = (
        AS_MODEL
    )
    """Rule that turns gradients into updates."""
    rate: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False), *_FILLED] = AS_MODEL
    """Learning rate at the start."""
    schedule: Annotated[Literal["constant", "step", "exponential", "cosine"], *_FILLED] = AS_MODEL
    """How the rate changes: constant, step (by a factor at --decay-at), exponential (by a factor at
    each --decay-every), cosine (down to --final-rate along half a wave)."""
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Share of the corpus, at its end, that is never trained on."""
    loop: Name = "scan"
    """How the step is repeated in time: scan, unrolled, a number of steps to write out at a time in
    a scan (a divisor of --time), or auto: what takes least time, build and steps together."""
    backend: Name = "auto"
    """What runs the graph: native (one C function), aesara (stock Aesara's C), python (slow, needs
    no compiler) or auto (native, and aesara for what that does not cover)."""
    threads: Threads | None = None
    """Threads of a step; without it OMP_NUM_THREADS, else one for each processor."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the weights."""
    seed: Seed = 0
    """Seed of the initial weights, of the order of the sequences and of dropout."""
    out: Path | None = None
    """Folder of the run, new or empty; without it the next free runs/MODEL-N."""
    save_every: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 15.0
    """Seconds between checkpoints while training."""
    steps: Positive | None = None
    """Step of the run after which to stop for now; train --resume goes on from there."""
    log_every: Positive = 1000
    """Sequences between two points of the loss curve, which are the lines of log.jsonl."""
    keep_every: Positive | None = None
    """Sequences between checkpoints that are kept beside the last and the best one."""
    sample_every: Positive | None = None
    """Sequences between samples of what the network writes, into the run's folder samples/."""
    patience: Positive | None = None
    """Readings of the held-out text without a better loss (ten are made in a run) after which to
    stop."""

    @model_validator(mode="wrap")
    @classmethod
    def _take_down(cls, values: Any, make: ModelWrapValidatorHandler["TrainSettings"]) -> Any:
        """Remember which settings were given: what a run is resumed with is held against its own.

        Raises:
            ValidationError: a value does not do.
        """
        made = make(values)
        given = (values.kwargs or {}) if isinstance(values, ArgsKwargs) else values
        object.__setattr__(made, "_given", frozenset(given) if isinstance(given, dict) else ())
        return made

    @property
    def given(self) -> frozenset[str]:
        """The names of the settings that were given; the others stand at their defaults."""
        return frozenset(getattr(self, "_given", ()))

    def __post_init__(self) -> None:
        """Fill in what the network's recipe says, and refuse what it has no use for.

        Raises:
            UserError: naming the option, and what it belongs to.
        """
        recipe = recipe_for(self.model)
        for name in ("embedding", "layers", "dropout"):
            if getattr(recipe, name) is None and getattr(self, name) is not None:
                raise UserError(f"--{name}: {self.model} has no {name}; leave it out")
        if self.optimiser is not None and self.rate is None and self.optimiser != recipe.optimiser:
            rate = 1e-3 if self.optimiser in ("rmsprop", "adam") else 0.01
            object.__setattr__(self, "rate", rate)
        for name in _FROM_RECIPE:
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(recipe, name))
        super().__post_init__()


MAY_CHANGE = (
    "sequences", "steps", "patience", "corpus", "backend", "threads", "save_every", "keep_every",
    "sample_every",
)  # fmt: skip
"""Settings that a run may be resumed with; a corpus must hold the same text."""


def resumed(own: TrainSettings, changes: TrainSettings | None) -> TrainSettings:
    """Give the settings of a run with what was given to go on with.

    Without a new `steps` the run goes on to its end.

    Raises:
        UserError: a setting that would make it another run.

    Example:
        >>> own = TrainSettings(hidden=128, steps=100)
        >>> resumed(own, TrainSettings(sequences=500)).sequences
        500
        >>> resumed(own, TrainSettings(hidden=64))
        Traceback (most recent call last):
        graphrnn.errors.UserError: --hidden: got 64, but this run was begun with 128, and of a run \
that is resumed only --sequences, --steps, --patience, --corpus, --backend, --threads, \
--save-every, --keep-every, --sample-every may change; leave it out, or train anew
    """
    changed: dict[str, Any] = {"steps": None}
    for name in sorted(changes.given if changes else ()):
        value = getattr(changes, name)
        if name in MAY_CHANGE:
            changed[name] = value
        elif value != getattr(own, name):
            may = ", ".join(f"--{other.replace('_', '-')}" for other in MAY_CHANGE)
            raise UserError(
                f"--{name.replace('_', '-')}: got {value}, but this run was begun with "
                f"{getattr(own, name)}, and of a run that is resumed only {may} may change; "
                "leave it out, or train anew"
            )
    return replace(own, **changed)


_FROM_RECIPE = (
    "sequences", "hidden", "embedding", "layers", "dropout", "time", "batch", "optimiser", "rate",
    "schedule",
)  # fmt: skip
