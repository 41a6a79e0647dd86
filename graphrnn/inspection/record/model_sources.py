"""Finds the training graph of a model by its name, or of a run by its folder."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from graphrnn.data import text
from graphrnn.errors import UserError
from graphrnn.inspection.record.sources import Source, captured
from graphrnn.models import MODELS, model_named, user_models
from graphrnn.models.from_settings import network_of, optimizer_of
from graphrnn.runs.checkpoint import Checkpoint, load_checkpoint
from graphrnn.runs.folder import find_checkpoint
from graphrnn.settings.recipes import is_in_file, recipe_for
from graphrnn.settings.training import TrainSettings

import numpy as np


def model_source(
    name: str,
    lengths: Mapping[str, int] | None = None,
    *,
    loop: str | None = None,
    backend: str | None = None,
) -> Source:
    """Return the training graph of a model, or of the network of a run.

    `lengths` (time, batch, hidden) replace the defaults of a model; those of a run are fixed.
    `loop` and `backend` replace the settings of both.

    Raises:
        UserError: there is no model or run of that name, or the run has other lengths.
    """
    user_models.load_named(name)
    if name in MODELS or is_in_file(name):
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
    """Return the vocabulary size of the corpus that training would use."""
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
    """Build the network and capture its training graph instead of compiling it.

    Raises:
        UserError: the network is trained in NumPy and has no training graph.
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
    stateful = recipe_for(settings.model).windows == "streams"

    def build() -> object:
        return network.compile_train(
            time=settings.time,
            batch=settings.batch,
            optimizer=optimizer_of(settings),
            carried=network.carried_states(settings.batch) if stateful else None,
        )

    source = captured(build, f"{settings.model}, {settings.loop}")
    for output, name in zip(source.outputs, ("loss", "accuracy"), strict=False):
        output.name = output.name or name
    return source
