"""Settings of training; command line, help and checkpoint header are generated from them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from graphrnn.errors import UserError
from graphrnn.settings.fields import STRICT, Name, Positive, Seed, TextName, Threads
from graphrnn.settings.optimizer import ADAPTIVE, BY_RECIPE, LearningSettings
from graphrnn.settings.recipes import Recipe, is_in_file, recipe_for

from pydantic import Field, ModelWrapValidatorHandler, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

DEFAULT = recipe_for("theano_rnn")

BY_NETWORK = (
    "sequences", "hidden", "embedding", "layers", "dropout", "time", "batch", "optimizer",
    "learning_rate", "schedule",
)  # fmt: skip
"""Settings that are as the recipe of the network has them, where they are not given."""

OLD_NAMES = {"optimiser": "optimizer", "rate": "learning_rate"}
"""What settings were called before, in files and calls; they are read as what they are now."""


def renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a dictionary with old keys replaced by new ones, in the same order.

    Example:
        >>> renamed({"rate": 0.1, "hidden": 4}, OLD_NAMES)
        {'learning_rate': 0.1, 'hidden': 4}
    """
    return {
        name if (new := names.get(name)) is None or new in values else new: value
        for name, value in values.items()
    }


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TrainSettings(LearningSettings):
    """What makes a training run: the same settings and machine give the same numbers."""

    model: Name = "theano_rnn"
    """Network to train: graphrnn models lists them; or one of your own, as my_net.py:MODEL."""
    corpus: TextName = "python-prose"
    """Text to learn: python-prose, python-docs (the same with its tables and code), nietzsche, or
    the path of a UTF-8 file."""
    sequences: Annotated[int, Field(gt=0, lt=2**63), BY_RECIPE] = DEFAULT.sequences
    """Sequences to train on, all epochs together."""
    hidden: Annotated[int, Field(gt=0, le=65_536), BY_RECIPE] = DEFAULT.hidden
    """Units in the hidden state (H)."""
    embedding: Annotated[Annotated[int, Field(gt=0, le=65_536)] | None, BY_RECIPE] = None
    """Units in the embedding of a character."""
    layers: Annotated[Annotated[int, Field(gt=0, le=100)] | None, BY_RECIPE] = None
    """Layers of stacked_lstm."""
    dropout: Annotated[Annotated[float, Field(ge=0, lt=1)] | None, BY_RECIPE] = None
    """Share of units that stacked_lstm drops: of its inputs, of its states and between layers."""
    time: Annotated[int, Field(gt=0, lt=2**31), BY_RECIPE] = DEFAULT.time
    """Characters in a sequence (T)."""
    batch: Annotated[int, Field(gt=0, lt=2**31), BY_RECIPE] = DEFAULT.batch
    """Sequences in a batch (B)."""
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
    """Validations without a better loss (the held-out text is read ten times in a run) after which
    to stop."""

    @classmethod
    def from_recipe(cls, recipe: Recipe, given: Mapping[str, Any]) -> "TrainSettings":
        """Return the settings of a recipe, with given values in place of its own.

        A value of None leaves that of the recipe.

        Raises:
            UserError: the network has no use for an option.
            ValidationError: a value is not valid.

        Example:
            >>> made = TrainSettings.from_recipe(recipe_for("gru"), {"model": "gru", "hidden": 32})
            >>> made.hidden, made.optimizer, made.embedding, sorted(made.given)
            (32, 'adam', 42, ['hidden', 'model'])
        """
        return cls(**_filled(recipe, given))._remember(given)

    @model_validator(mode="wrap")
    @classmethod
    def _from_given(cls, values: Any, make: ModelWrapValidatorHandler["TrainSettings"]) -> Any:
        """Fill in values from the network's recipe.

        Raises:
            ValidationError: a value is not valid.
        """
        called = isinstance(values, ArgsKwargs)
        given = (values.kwargs or {}) if called else values
        if not isinstance(given, dict):
            return make(values)
        given = renamed(given, OLD_NAMES)
        model = given.get("model", cls.model)
        filled = _filled(recipe_for(model if isinstance(model, str) else ""), given)
        return make(ArgsKwargs((), filled) if called else filled)._remember(given)

    def _remember(self, given: Mapping[str, Any]) -> "TrainSettings":
        """Record which settings were given."""
        object.__setattr__(self, "_given", frozenset(given))
        return self

    @property
    def given(self) -> frozenset[str]:
        """The names of the settings that were given; the others have their defaults.

        Only given settings are compared with those of a run that is resumed.
        """
        return frozenset(getattr(self, "_given", ()))

    def __post_init__(self) -> None:
        """Check that the network uses every given option.

        Raises:
            UserError: naming the option, and what it belongs to.
        """
        recipe = recipe_for(self.model)
        # A network in a file of the user's may have any of them.
        names = () if is_in_file(self.model) else ("embedding", "layers", "dropout")
        for name in names:
            if getattr(recipe, name) is None and getattr(self, name) is not None:
                raise UserError(f"--{name}: {self.model} has no {name}; leave it out")
        super().__post_init__()


def _filled(recipe: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what is not given: from the recipe, or another optimizer's usual learning rate."""
    chosen = {name: v for name, v in given.items() if v is not None or name not in BY_NETWORK}
    filled = {name: getattr(recipe, name) for name in BY_NETWORK} | chosen
    if "learning_rate" not in chosen and filled["optimizer"] != recipe.optimizer:
        filled["learning_rate"] = 1e-3 if str(filled["optimizer"]) in ADAPTIVE else 0.01
    return filled


MAY_CHANGE = (
    "sequences", "steps", "patience", "corpus", "backend", "threads", "save_every", "keep_every",
    "sample_every",
)  # fmt: skip
"""Settings that a run may be resumed with; a corpus must hold the same text."""


def resumed(own: TrainSettings, changes: TrainSettings | None) -> TrainSettings:
    """Return the settings of a run, with the changes given for resuming it.

    Without a new `steps` the run continues to its end.

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
