"""Settings → a corpus as indices, and a network with its weights drawn; nothing compiles yet."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from graphrnn.backends.compile import BACKENDS
from graphrnn.data import batches
from graphrnn.data.text import READ_AT_MOST, Stored, Vocabulary, load_corpus, split
from graphrnn.errors import UserError, unknown
from graphrnn.graph.loops import loop_named
from graphrnn.models import model_named
from graphrnn.models.from_settings import require_short_enough, sizes_of
from graphrnn.models.loop_cost import choose, work_of
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.training import TrainSettings

import numpy as np


@dataclass(frozen=True)
class Data:
    """A corpus as indices: the training text, and the held-out text, which may be empty."""

    corpus: str
    vocabulary: Vocabulary
    train: Stored
    held_out: Stored
    evaluation_batch: int

    @property
    def validated(self) -> Stored:
        """The part of the held-out text that a validation reads."""
        return self.held_out[:READ_AT_MOST]

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the text: a run that goes on must read the same one."""
        digest = hashlib.sha256("".join(self.vocabulary.characters).encode("utf-8", "replace"))
        for part in (self.train, self.held_out):
            digest.update(f"{len(part)} ".encode())
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()


def prepare(settings: TrainSettings, tell: Callable[[str], None] | None = None) -> Data:
    """Read the corpus and run all checks that need no compiling.

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
            held_out[:READ_AT_MOST], time=settings.time, batch=1, what="held-out text"
        )
    return Data(corpus.name, vocabulary, train, held_out, min(batches.EVALUATION_BATCH, n_held_out))


MANY_PASSES = 50
"""Passes over a text from which on a network mostly learns it by heart."""


def passes(settings: TrainSettings, data: Data) -> str:
    """Describe how often the run reads its text, with advice where that is very often."""
    overlapping = recipe_for(settings.model).windows == "overlapping"
    read = settings.sequences * (1 if overlapping else settings.time)
    times = read / len(data.train)
    text = f"{settings.sequences:,} sequences of {settings.time} read the text {times:,.1f} times"
    if times < MANY_PASSES:
        return text
    few = max(1, round(settings.sequences * MANY_PASSES / 5 / times))
    return (
        f"{text}, which is much for a text so small: it will be learnt by heart; a longer text, "
        f"--patience 2 or --sequences {few} (10 times) writes better"
    )


def with_loop(settings: TrainSettings, data: Data) -> tuple[TrainSettings, str]:
    """Return the settings with a loop chosen where they have `auto`, and the reason for it."""
    if settings.loop != "auto":
        return settings, ""
    model = model_named(settings.model)
    if model.by_hand or settings.backend not in ("auto", "native"):
        return replace(settings, loop="scan"), "loop: scan (only native has a cost model)"
    sizes = sizes_of(settings, len(data.vocabulary))
    work = work_of(model, sizes, time=settings.time, batch=settings.batch, dtype=settings.dtype)
    choice = choose(work, settings.sequences // settings.batch)
    return replace(settings, loop=choice.loop), f"loop: {choice}"
