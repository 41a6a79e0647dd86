"""A run of before: format 2, with `optimiser`, `rate` and `recent`; see tests/runs/old_run."""

import shutil
from dataclasses import replace
from pathlib import Path

from graphrnn.errors import UserError
from graphrnn.runs.checkpoint import FORMAT, load_checkpoint
from graphrnn.runs.folder import RunFolder
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run

import numpy as np
import pytest

OLD = Path(__file__).parent / "old_run"
TEXT = "the cat sat on the mat; " * 40 + "a dog ran to it. " * 40
GIVEN = {"model": "reference", "corpus": "small.txt", "hidden": 4, "sequences": 60}


@pytest.fixture
def old(in_tmp):
    (in_tmp / "small.txt").write_text(TEXT)
    return RunFolder(Path(shutil.copytree(OLD, in_tmp / "old")))


def test_the_file_has_the_old_names():
    data = (OLD / "last.safetensors").read_bytes()
    assert all(name in data for name in (b"optimiser", b'\\"rate\\"', b"recent", b'format\\":2'))
    assert b"optimizer" not in data


def test_a_checkpoint_is_read(old):
    header = load_checkpoint(old.last).header
    assert (header.format, header.settings.optimizer) == (FORMAT, "sgd")
    assert (header.settings.learning_rate, header.settings.schedule) == (0.05, "exponential")
    assert header.position.moving_average == 2.8858828631335682


def test_a_change_of_it_is_noticed(old):
    data = old.last.read_bytes()
    old.last.write_bytes(data.replace(b'\\"rate\\":0.05', b'\\"rate\\":0.04'))
    with pytest.raises(UserError, match="was changed after it was saved"):
        load_checkpoint(old.last)


def test_settings_and_log_are_read(old):
    settings = old.read_settings()
    assert (settings.optimizer, settings.learning_rate) == ("sgd", 0.05)
    measured = [line["learning_rate"] for line in old.lines() if "loss" in line]
    assert measured == pytest.approx([0.05, 0.05])
    assert not any("rate" in line for line in old.lines())


def test_the_run_goes_on_as_one_that_never_stopped(old, in_tmp):
    run = training_run.resume(str(old.path))
    whole = training_run.train(
        TrainSettings(**GIVEN, learning_rate=0.05, schedule="exponential", out=in_tmp / "whole")
    )
    assert run.done
    # Close, and not the same to the last bit: the first third was computed on another machine.
    for name, value in whole.checkpoint.weights.items():
        np.testing.assert_allclose(run.checkpoint.weights[name], value, rtol=1e-3, atol=1e-5)
    again = load_checkpoint(old.last).header
    assert again.format == FORMAT
    assert again.settings == replace(run.checkpoint.header.settings, out=again.settings.out)
    assert b"optimiser" not in old.last.read_bytes() + old.settings.read_bytes()


def test_a_run_that_saved_nothing_begins_anew(old):
    old.last.unlink()
    assert training_run.resume(str(old.path)).done
