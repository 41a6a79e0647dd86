"""A run that nobody trained, for commands that only read."""

from graphrnn.models.from_settings import network_of
from graphrnn.runs.checkpoint import Checkpoint, Header, Point, save_checkpoint
from graphrnn.runs.folder import RunFolder
from graphrnn.settings.training import TrainSettings

import numpy as np
import pytest


@pytest.fixture
def drawn(in_tmp):
    """Folder runs/drawn: first weights, a curve, and a log."""
    folder = RunFolder(in_tmp / "runs" / "drawn")
    settings = TrainSettings(model="reference", hidden=3, sequences=40, out=folder.path)
    vocabulary = ("\0", " ", "T", "a", "e", "h")
    network = network_of(settings, len(vocabulary), np.random.default_rng(0))
    header = Header(
        settings=settings,
        corpus="python-prose",
        vocabulary=vocabulary,
        sequences=20,
        train=(Point(sequences=10, loss=1.5, accuracy=0.25),),
        held_out=(Point(sequences=20, loss=np.log(2), accuracy=0.5),),
        versions={"backend": "numpy"},
    )
    weights = {name: w.get_value() for name, w in network.weights.items()}
    folder.path.mkdir(parents=True)
    folder.write_settings(settings)
    folder.write_line({"step": 10, "sequences": 10, "loss": 1.5})
    folder.write_line({"step": 20, "sequences": 20, "held_out_loss": 0.693})
    save_checkpoint(folder.last, Checkpoint(header, weights))
    return folder
