"""How each rung of the lesson's ladder is trained by default."""

from dataclasses import dataclass
from typing import Literal

from graphrnn.settings.choices import OptimizerName, Schedule

Windows = Literal["shuffled", "overlapping", "streams"]
"""How the text is cut: windows one after the other, in random order; windows that begin at every
character, in random order; or contiguous streams in their order, the state carried along."""


@dataclass(frozen=True)
class Recipe:
    """The defaults of one network; None where it has no such thing."""

    time: int = 8
    batch: int = 64
    hidden: int = 256
    embedding: int | None = None
    layers: int | None = None
    dropout: float | None = None
    sequences: int = 200_000
    optimizer: OptimizerName = "adam"
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    windows: Windows = "shuffled"
    lower_case: bool = False

    @property
    def carries_state(self) -> bool:
        """Whether the state goes on from window to window; else each begins from zero."""
        return self.windows == "streams"


_THEANO = Recipe(batch=1, optimizer="sgd", learning_rate=0.01)
_KERAS = Recipe(embedding=42)

RECIPES = {
    "three_char": Recipe(time=3, embedding=42),
    "eight_char": Recipe(embedding=42, learning_rate=2e-3, schedule="cosine"),
    "rnn": _KERAS,
    "rnn_zeros": Recipe(embedding=42, learning_rate=2e-3),
    "rnn_sequences": Recipe(embedding=42, learning_rate=2e-3),
    "rnn_onehot": Recipe(learning_rate=2e-3),
    "stateful_lstm": Recipe(embedding=42, windows="streams"),
    "gru": _KERAS,
    "theano_rnn": _THEANO,
    "theano_gru": Recipe(batch=1, optimizer="sgd", learning_rate=0.1, schedule="exponential"),
    "theano_gru_fused": Recipe(batch=1, optimizer="sgd", learning_rate=0.1, schedule="exponential"),
    "reference": Recipe(batch=1, optimizer="sgd", learning_rate=0.01, sequences=20_000),
    "reference_gru": Recipe(batch=1, optimizer="sgd", learning_rate=0.1, sequences=20_000),
    "reference_lstm": Recipe(batch=1, optimizer="sgd", learning_rate=0.1, sequences=20_000),
    "stacked_lstm": Recipe(
        time=40,
        hidden=512,
        embedding=24,
        layers=2,
        dropout=0.2,
        windows="overlapping",
        lower_case=True,
        sequences=50_000,
    ),
}


def is_in_file(model: str) -> bool:
    """Return whether a name is that of a network in a user's file.

    Example:
        >>> is_in_file("nets/my_net.py:MODEL"), is_in_file("my_net.py"), is_in_file("gru")
        (True, True, False)
    """
    return model.endswith(".py") or ".py:" in model


def plain_name(model: str) -> str:
    """Return the name of a network as part of a file's name.

    Example:
        >>> plain_name("gru"), plain_name("nets/my_net.py:MODEL"), plain_name("my_net.py")
        ('gru', 'my_net.MODEL', 'my_net')
    """
    return model.rpartition("/")[2].replace(".py:", ".").removesuffix(".py")


OF_FILES: dict[str, Recipe] = {}
"""Recipes of networks that were loaded from a user's files."""


def recipe_for(model: str) -> Recipe:
    """Return the recipe of a network; a plain one for a name that is not known.

    Example:
        >>> recipe_for("stacked_lstm").time, recipe_for("theano_rnn").batch
        (40, 1)
    """
    return RECIPES.get(model) or OF_FILES.get(model) or Recipe()
