"""Finds the graph of one of our own networks: by its model's name, or by the folder of a run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from graphrnn.data import text
from graphrnn.errors import UserError
from graphrnn.inspection.record.sources import Source, captured
from graphrnn.models import MODELS, model_named
from graphrnn.models.from_settings import network_of, optimizer_of
from graphrnn.runs.checkpoint import Checkpoint, load_checkpoint
from graphrnn.runs.folder import find_checkpoint
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.training import TrainSettings

import numpy as np


def our_source(
    name: str,
    lengths: Mapping[str, int] | None = None,
    *,
    loop: str | None = None,
    backend: str | None = None,
) -> Source:
    """Give the training graph of a model, or of the network of a run.

    `lengths` (time, batch, hidden) are those of a model named directly, by default its own; a run
    has its own. `loop` and `backend` win over both.

    Raises:
        UserError: there is neither a model nor a run of that name, or the run has another length.
    """
    if name in MODELS:
        settings = TrainSettings.from_recipe(recipe_for(name), {"model": name, **(lengths or {})})
        return _network_source(settings, _default_vocabulary(settings), loop, backend)
    if Path(name).exists() or "/" in name or name == "latest" or (Path("runs") / name).exists():
        checkpoint = load_checkpoint(find_checkpoint(name))
        header = checkpoint.header
        for option, length in (lengths or {}).items():
            own = getattr(header.settings, option)
            if length != own:
                raise UserError(
                    f"--{option}: got {length}, but the run {name} has {own}; leave it "
                    f"out, or name its model, {header.settings.model}"
                )
        return _network_source(
            header.settings, len(header.vocabulary), loop, backend, checkpoint=checkpoint
        )
    try:
        model_named(name)
    except UserError as error:
        raise UserError(f"{error}, and no run of that name") from None
    raise AssertionError(name)


def _default_vocabulary(settings: TrainSettings) -> int:
    """Count the symbols of the corpus that training would use."""
    corpus = text.load_corpus(settings.corpus).text
    return len(
        text.Vocabulary.of(corpus.lower() if recipe_for(settings.model).lower_case else corpus)
    )


def _network_source(
    settings: TrainSettings,
    vocabulary: int,
    loop: str | None,
    backend: str | None,
    checkpoint: Checkpoint | None = None,
) -> Source:
    """Build the network, and catch its training graph on the way to the compiler.

    Raises:
        UserError: the network is trained by hand and has no graph of training.
    """
    settings = replace(settings, loop=loop or settings.loop, backend=backend or settings.backend)
    network = network_of(settings, vocabulary, np.random.default_rng(settings.seed))
    if network.model.by_hand:
        raise UserError(
            f"{settings.model}: is trained in NumPy, so there is no graph to look into; "
            "name another of `graphrnn models`"
        )
    if checkpoint is not None:
        for name, value in checkpoint.weights.items():
            network.weights[name].set_value(value)
    carries = recipe_for(settings.model).windows == "streams"

    def build() -> object:
        return network.compile_train(
            time=settings.time,
            batch=settings.batch,
            optimizer=optimizer_of(settings),
            carried=network.carried_states(settings.batch) if carries else None,
        )

    source = captured(build, f"{settings.model}, {settings.loop}")
    for output, word in zip(source.outputs, ("loss", "accuracy"), strict=False):
        output.name = output.name or word
    return source
