from dataclasses import replace

from graphrnn.runs.checkpoint import Checkpoint, Header, Point, load_checkpoint
from graphrnn.runs.folder import RunFolder
from graphrnn.settings.training import TrainSettings
from graphrnn.training.checkpointing import Checkpointing, is_finite, keep_best, made_by
from graphrnn.training.count import Count

import numpy as np
import pytest


@pytest.fixture
def folder(in_tmp):
    (in_tmp / "run").mkdir()
    return RunFolder(in_tmp / "run")


@pytest.fixture
def checkpoint():
    header = Header(
        settings=TrainSettings(hidden=2),
        corpus="text",
        vocabulary=("\0", "a"),
        sequences=20,
        held_out=tuple(Point(sequences=n, loss=x, accuracy=0.1) for n, x in ((10, 2.0), (20, 1.0))),
        versions=made_by("python", "reference"),
    )
    return Checkpoint(header, {"W": np.ones(3)})


def test_a_save_has_its_copies_and_says_what_is_kept(folder, checkpoint):
    saving = Checkpointing(folder, save_every=60.0)
    assert saving.describe() == "nothing had been saved yet"
    saving.save(checkpoint, folder.best)
    assert saving.describe() == f"the network after 20 is kept in {str(folder.last)!r}"
    assert folder.last.read_bytes() == folder.best.read_bytes()
    assert load_checkpoint(folder.last).header.versions["backend"] == "python"


def test_it_is_due_when_the_seconds_are_over(folder, checkpoint):
    assert Checkpointing(folder, save_every=0.0).is_due
    saving = Checkpointing(folder, save_every=3600.0)
    assert saving.is_due  # nobody has begun
    saving.save(checkpoint)
    assert not saving.is_due


def test_what_is_kept_is_not_written_again(folder):
    saving, count = Checkpointing(folder, 0.0, keep_every=8), Count(4, steps=2, sequences=8)
    (path,) = saving.snapshots(count, again=True)
    assert path == folder.snapshot(8)
    path.touch()
    assert saving.snapshots(count, again=True) == []
    assert saving.snapshots(count, again=False) == [path]
    assert saving.snapshots(Count(4, steps=3, sequences=12), again=False) == []
    assert replace(saving, keep_every=None).snapshots(count, again=False) == []


@pytest.mark.parametrize(("sequences", "kept"), [(20, True), (24, False)])
def test_the_best_is_kept_where_it_is_the_last(folder, checkpoint, sequences, kept):
    header = replace(checkpoint.header, sequences=sequences)
    keep_best(folder, replace(checkpoint, header=header))
    assert folder.best.exists() == kept


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_an_update_broke(checkpoint, value):
    assert is_finite(checkpoint)
    assert not is_finite(replace(checkpoint, weights={"W": np.array([1.0, value])}))
