"""Settings → a corpus as indices, and a network with its weights drawn; nothing compiles yet."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from graphrnn import batches
from graphrnn.backends import BACKENDS
from graphrnn.errors import UserError, unknown
from graphrnn.functions import Network, Rule, share
from graphrnn.initial import Array
from graphrnn.loop_choice import choose, work_of
from graphrnn.loops import loop_named
from graphrnn.models import Sizes, model_named
from graphrnn.recipes import recipe_for
from graphrnn.settings import TrainSettings
from graphrnn.text import Stored, Vocabulary, load_corpus, split

import numpy as np

EVALUATION_BATCH = 64
LAID_OUT = 1_000
"""Characters of a network that is laid out by hand, at most."""
WRITTEN_OUT = 10_000
"""Steps of a loop that are written out one by one, at most."""


@dataclass(frozen=True)
class Data:
    """A corpus as indices: what is trained on, and what never is (nothing, if so asked)."""

    corpus: str
    vocabulary: Vocabulary
    train: Stored
    held_out: Stored
    evaluation_batch: int

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the text: a run that goes on must read the same one."""
        digest = hashlib.sha256("".join(self.vocabulary.characters).encode("utf-8", "replace"))
        for part in (self.train, self.held_out):
            digest.update(f"{len(part)} ".encode())
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()


def prepare(settings: TrainSettings, tell: Callable[[str], None] | None = None) -> Data:
    """Read the corpus and check everything that can be checked before anything compiles.

    `tell` as in `load_corpus`, where the corpus is named by a run.

    Raises:
        UserError: an unknown name, or a corpus that is too short for these settings.
    """
    model_named(settings.model)
    if settings.loop != "auto":
        loop_named(settings.loop, time=settings.time)
    if settings.backend not in BACKENDS:
        raise unknown("backend", settings.backend, BACKENDS)
    for name, value in (("corpus", settings.corpus), ("out", str(settings.out))):
        if not value.isprintable() or ascii(value).count("\\udc"):
            raise UserError(f"--{name}: got {value!a}, needed a name in UTF-8; rename it")
    require_short_enough(settings)
    corpus, recipe = load_corpus(settings.corpus, tell), recipe_for(settings.model)
    text = corpus.text.lower() if recipe.lower_case else corpus.text
    vocabulary = Vocabulary.of(text)
    train, held_out = split(vocabulary.store(text), settings.held_out)
    batches.require_windows(
        train,
        time=settings.time,
        batch=settings.batch,
        what="training text",
        stride=1 if recipe.windows == "overlapping" else None,
    )
    n_held_out = 0
    if settings.held_out > 0:
        n_held_out = batches.require_windows(
            held_out, time=settings.time, batch=1, what="held-out text"
        )
    return Data(corpus.name, vocabulary, train, held_out, min(EVALUATION_BATCH, n_held_out))


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


def with_loop(settings: TrainSettings, data: Data) -> tuple[TrainSettings, str]:
    """Choose a loop where `auto` was asked for; gives the settings with it, and why."""
    if settings.loop != "auto":
        return settings, ""
    model = model_named(settings.model)
    if model.by_hand or settings.backend not in ("auto", "native"):
        return replace(settings, loop="scan"), "loop: scan (only native has a cost model)"
    sizes = sizes_of(settings, len(data.vocabulary))
    work = work_of(model, sizes, time=settings.time, batch=settings.batch, dtype=settings.dtype)
    choice = choose(work, settings.sequences // settings.batch)
    return replace(settings, loop=choice.loop), f"loop: {choice}"


def network_of(settings: TrainSettings, symbols: int, rng: np.random.Generator) -> Network:
    """Make the network of these settings, its weights drawn."""
    model, sizes = model_named(settings.model), sizes_of(settings, symbols)
    weights = share(model.initial_weights(rng, sizes, settings.dtype))
    loop = loop_named(settings.loop, time=settings.time)
    return Network(model, sizes, weights, loop, settings.backend, settings.threads)


def sizes_of(settings: TrainSettings, symbols: int) -> Sizes:
    """Give the lengths that the weights of these settings have."""
    return Sizes(
        vocabulary=symbols,
        hidden=settings.hidden,
        embedding=settings.embedding or 0,
        layers=settings.layers or 1,
    )


def rule_of(settings: TrainSettings) -> Rule:
    """Give the rule of these settings."""
    name, options = settings.rule
    return Rule(name, options, settings.clip, settings.clip_value)
