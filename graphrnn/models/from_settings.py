"""Settings → a network with its weights drawn; nothing compiles yet."""

from collections.abc import Mapping

from graphrnn.errors import UserError
from graphrnn.graph.initial import Array
from graphrnn.graph.loops import loop_named
from graphrnn.models import Sizes, model_named, user_models
from graphrnn.models.network import Network, OptimizerConfig, share
from graphrnn.settings.recipes import is_in_file, recipe_for
from graphrnn.settings.training import TrainSettings

import numpy as np

LAID_OUT = 1_000
"""Characters of a network that is laid out by hand, at most."""


WRITTEN_OUT = 10_000
"""Steps of a loop that are written out one by one, at most."""


def require_short_enough(settings: TrainSettings) -> None:
    """Refuse to write out more steps one by one than a graph can hold.

    Raises:
        UserError: naming the option, and what to do.
    """
    laid_out = not model_named(settings.model).state_widths(sizes_of(settings, 1))
    if laid_out and settings.time > LAID_OUT:
        raise UserError(
            f"--time: got {settings.time:,}, needed at most {LAID_OUT:,} of {settings.model}, "
            "which lays out each character by itself; use another network"
        )
    steps = settings.time if settings.loop == "unrolled" else settings.loop
    if str(steps).isdecimal() and int(steps) > WRITTEN_OUT:
        raise UserError(
            f"--loop: {settings.loop} writes out {int(steps):,} steps, needed at most "
            f"{WRITTEN_OUT:,}; use scan, or fewer at a time"
        )


def require_fitting(settings: TrainSettings, symbols: int, weights: Mapping[str, Array]) -> None:
    """Hold weights against the shapes that settings ask for, before anything of these is made.

    Raises:
        UserError: a shape or a type differs, one is missing or one too many.
    """
    sizes = sizes_of(settings, symbols)
    got = {name: (value.shape, str(value.dtype)) for name, value in weights.items()}
    shapes = model_named(settings.model).weight_shapes(sizes)
    needed = {name: (shape, settings.dtype) for name, shape in shapes.items()}
    if got != needed:
        wrong = sorted(n for n in got.keys() | needed.keys() if got.get(n) != needed.get(n))
        raise UserError(
            f"checkpoint: {', '.join(wrong)} do not fit a vocabulary of {sizes.vocabulary} "
            f"and {sizes.hidden} hidden units; it was made from another vocabulary or changed"
        )


def with_user_model(settings: TrainSettings) -> TrainSettings:
    """Load the file that a network's name names, and take its recipe where nothing was given.

    Raises:
        UserError: the file cannot be used.
    """
    if not is_in_file(settings.model):
        return settings
    user_models.load(settings.model)
    given = {name: getattr(settings, name) for name in settings.given}
    return TrainSettings.from_recipe(recipe_for(settings.model), given)


def network_of(settings: TrainSettings, symbols: int, rng: np.random.Generator) -> Network:
    """Build the network of these settings, its weights drawn."""
    model, sizes = model_named(settings.model), sizes_of(settings, symbols)
    weights = share(model.initial_weights(rng, sizes, settings.dtype))
    loop = loop_named(settings.loop, time=settings.time)
    return Network(model, sizes, weights, loop, settings.backend, settings.threads)


def sizes_of(settings: TrainSettings, symbols: int) -> Sizes:
    """Return the lengths that the weights of these settings have."""
    return Sizes(
        vocabulary=symbols,
        hidden=settings.hidden,
        embedding=settings.embedding or 0,
        layers=settings.layers or 1,
    )


def optimizer_of(settings: TrainSettings) -> OptimizerConfig:
    """Return the optimizer of these settings."""
    name, options = settings.optimizer_call
    return OptimizerConfig(name, options, settings.clip, settings.clip_value)
