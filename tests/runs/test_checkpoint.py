import json
import os
import pickle
from dataclasses import replace

from graphrnn import files
from graphrnn.errors import UserError
from graphrnn.runs import checkpoint as checkpoints
from graphrnn.runs.checkpoint import Checkpoint, Header, Point, load_checkpoint, save_checkpoint
from graphrnn.settings.training import TrainSettings

import numpy as np
import pytest
from safetensors.numpy import save


@pytest.fixture
def checkpoint(rng):
    header = Header(
        settings=TrainSettings(hidden=3, learning_rate=0.1 + 0.2),
        corpus="a corpus — with dashes",
        vocabulary=("\0", "\n", "a", "é"),
        sequences=17,
        train=(Point(sequences=17, loss=1 / 3, accuracy=0.5),),
        held_out=(Point(sequences=17, loss=2 / 3, accuracy=0.25),),
        versions={"python": "3.11"},
    )
    weights = {
        "W": rng.standard_normal((3, 4)).astype("float32"),
        "b": rng.standard_normal(3),
        # Not contiguous, as a transposed weight may be.
        "t": rng.standard_normal((4, 2)).astype("float32").T,
    }
    return Checkpoint(header, weights)


@pytest.fixture
def path(in_tmp, checkpoint):
    path = in_tmp / "run" / "c.safetensors"
    save_checkpoint(path, checkpoint)
    return path


def test_load_undoes_save(path, checkpoint):
    loaded = load_checkpoint(path)
    assert replace(loaded.header, digest="") == checkpoint.header
    assert len(loaded.vocabulary) == 4
    for name, value in checkpoint.weights.items():
        assert loaded.weights[name].dtype == value.dtype
        np.testing.assert_array_equal(loaded.weights[name], value)


def test_nothing_else_is_left_in_the_folder(path, checkpoint):
    save_checkpoint(path, checkpoint)
    assert [item.name for item in path.parent.iterdir()] == ["c.safetensors"]


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_truncated(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match="is not a graphrnn checkpoint, or is cut short"):
        load_checkpoint(path)


@pytest.mark.parametrize("place", [-1, -20, -40])
def test_a_flipped_bit_is_noticed(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="was changed after it was saved"):
        load_checkpoint(path)


def test_a_changed_header_is_noticed(path):
    data = path.read_bytes()
    assert data.count(b'sequences\\":17,\\"train') == 1
    path.write_bytes(data.replace(b'sequences\\":17,\\"train', b'sequences\\":18,\\"train'))
    with pytest.raises(UserError, match="was changed after it was saved"):
        load_checkpoint(path)


def test_foreign_files(in_tmp):
    foreign = in_tmp / "foreign"
    foreign.write_bytes(save({"W": np.zeros(3)}))
    with pytest.raises(UserError, match="it has no graphrnn header"):
        load_checkpoint(foreign)
    foreign.write_bytes(b"\x89PNG\r\n and so on, for longer than eight bytes")
    with pytest.raises(UserError, match="is not a graphrnn checkpoint"):
        load_checkpoint(foreign)


def test_loading_never_executes(in_tmp):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(in_tmp / "exploded"),))

    bomb = in_tmp / "bomb"
    bomb.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match="is not a graphrnn checkpoint"):
        load_checkpoint(bomb)
    assert not (in_tmp / "exploded").exists()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{}", "its header is damaged"),
        ("[]", "its header is damaged"),
        ("not json", "its header is damaged"),
        ("[" * 100_000, "its header is damaged"),
        (json.dumps({"format": 2, "settings": {"hidden": 0}}), "its header is damaged"),
        (json.dumps({"format": 99}), "got format 99, needed 3"),
    ],
)
def test_damaged_headers(in_tmp, header, message):
    path = in_tmp / "c.safetensors"
    path.write_bytes(save({"W": np.zeros(3)}, {"graphrnn": header}))
    with pytest.raises(UserError, match=message):
        load_checkpoint(path)


def test_missing_file(in_tmp):
    with pytest.raises(UserError, match="no such file; train first"):
        load_checkpoint(in_tmp / "nothing")


def test_full_disk_leaves_the_old_file(path, checkpoint, monkeypatch):
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match="no space left on device; the file from before is untouch"):
        save_checkpoint(path, replace(checkpoint, weights={"W": np.ones(3)}))
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == ["c.safetensors"]


def test_folder_that_cannot_be_made(in_tmp, checkpoint):
    (in_tmp / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*--out"):
        save_checkpoint(in_tmp / "file" / "c.safetensors", checkpoint)


def test_the_umask_decides_who_may_read(in_tmp):
    before = os.umask(0o027)
    try:
        checkpoints.write_atomically(in_tmp / "file", b"abc")
    finally:
        os.umask(before)
    assert (in_tmp / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("symbols", [("a", "b"), ("\0", "a", "a"), ("\0", "zz"), ("\0", "")])
def test_a_damaged_vocabulary(in_tmp, checkpoint, symbols):
    header = replace(checkpoint.header, vocabulary=symbols)
    save_checkpoint(in_tmp / "c", replace(checkpoint, header=header))
    with pytest.raises(UserError, match="its vocabulary is damaged"):
        load_checkpoint(in_tmp / "c")


def test_lists_of_settings_come_back(in_tmp, checkpoint):
    settings = TrainSettings(schedule="step", decay_at=(5, 9), out=in_tmp / "run")
    save_checkpoint(
        in_tmp / "c", replace(checkpoint, header=replace(checkpoint.header, settings=settings))
    )
    assert load_checkpoint(in_tmp / "c").header.settings == settings


def test_weights_that_are_not_finite(in_tmp, checkpoint):
    save_checkpoint(in_tmp / "c", replace(checkpoint, weights={"W": np.array([1.0, np.nan])}))
    with pytest.raises(UserError, match="has weights that are not finite"):
        load_checkpoint(in_tmp / "c")
