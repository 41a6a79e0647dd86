"""Finds the graph of one of our own networks: by its model's name, or by the folder of a run."""

from pathlib import Path

from graphrnn import functions, text
from graphrnn.checkpoints import Checkpoint, load_checkpoint
from graphrnn.errors import UserError
from graphrnn.inspection.sources import Source, captured
from graphrnn.loops import loop_named
from graphrnn.models import MODELS, Sizes, model_named
from graphrnn.sampling import find_checkpoint
from graphrnn.settings import TrainSettings

import numpy as np


def our_source(
    name: str, settings: TrainSettings, *, loop: str | None = None, backend: str | None = None
) -> Source:
    """Give the training graph of a model, or of the network of a run.

    `settings` say the lengths of a model named directly; a run has its own. `loop` and `backend`
    win over both.

    Raises:
        UserError: there is neither a model nor a run of that name.
    """
    if name in MODELS:
        return _network_source(name, settings, _default_vocabulary(settings), loop, backend)
    if Path(name).exists() or "/" in name or name == "latest" or (Path("runs") / name).exists():
        checkpoint = load_checkpoint(find_checkpoint(name))
        header = checkpoint.header
        own = header.settings
        return _network_source(
            own.model, own, len(header.vocabulary), loop, backend, checkpoint=checkpoint
        )
    try:
        model_named(name)
    except UserError as error:
        raise UserError(f"{error}, and no run of that name") from None
    raise AssertionError(name)


def _default_vocabulary(settings: TrainSettings) -> int:
    """Count the symbols of the corpus that training would use."""
    return len(text.Vocabulary.of(text.load_corpus(settings.corpus).text))


def _network_source(
    name: str,
    settings: TrainSettings,
    vocabulary: int,
    loop: str | None,
    backend: str | None,
    checkpoint: Checkpoint | None = None,
) -> Source:
    """Build the network, and catch its training graph on the way to the compiler."""
    model = model_named(name)
    sizes = Sizes(vocabulary=vocabulary, hidden=settings.hidden)
    weights = (
        checkpoint.weights
        if checkpoint is not None
        else model.initial_weights(np.random.default_rng(settings.seed), sizes, settings.dtype)
    )
    network = functions.Network(
        model,
        sizes,
        functions.share(weights),
        loop_named(loop or settings.loop),
        backend or settings.backend,
    )
    told = f"{name}, {loop or settings.loop}"

    def build() -> object:
        return network.train(
            time=settings.time,
            batch=settings.batch,
            momentum=settings.momentum,
            clip=settings.clip,
        )

    source = captured(build, told)
    for output, word in zip(source.outputs, ("loss", "accuracy"), strict=False):
        output.name = output.name or word
    return source
