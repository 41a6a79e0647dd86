import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from graphrnn.analysis.divergence import norms_at_divergence
from graphrnn.errors import DivergedError
from graphrnn.runs.checkpoint import Point, load_checkpoint
from graphrnn.runs.folder import CHECKPOINT
from graphrnn.training import progress, validation
from graphrnn.training import run as training_run
from tests.training.test_run import settings

import numpy as np
import pytest


def test_the_log_has_what_was_measured(small_text):
    """The norm is an output of the step where it is cheap, and else that of what SGD moved."""
    given = {"sequences": 40, "log_every": 20, "batch": 4, "hidden": 4}
    plain, clipped = (
        training_run.train(settings(small_text, **given, **more)).folder.lines()
        for more in ({"dtype": "float64"}, {"dtype": "float64", "clip": 1e6})
    )
    points = [line for line in plain if "loss" in line]
    assert [line["step"] for line in points] == [5, 10]
    assert points[0].keys() == {
        "step", "sequences", "loss", "accuracy", "gradient_norm", "learning_rate",
        "characters_per_second",
    }  # fmt: skip
    assert [line["step"] for line in plain if "held_out_loss" in line] == list(range(1, 11))
    if find_spec("tensorboardX"):
        (file,) = (Path("runs") / "theano_rnn-1" / "events").iterdir()
        for name, count in (("gradient_norm", 2), ("held_out_loss", 10)):
            assert file.read_bytes().count(name.encode() + b"\x15") == count
    for left, right in zip(points, [line for line in clipped if "loss" in line], strict=True):
        assert left["gradient_norm"] == pytest.approx(right["gradient_norm"], rel=1e-6)


def test_patience_ends_a_run_and_the_best_is_kept(small_text, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.1, 9.0])
    monkeypatch.setattr(
        validation,
        "evaluate",
        lambda *a, sequences, **k: Point(sequences=sequences, loss=next(losses), accuracy=0.1),
    )
    messages = []

    class Listener(progress.Quiet):
        def noted(self, text):
            messages.append(text)

    run = training_run.train(settings(small_text, sequences=400, patience=2), Listener())
    assert run.checkpoint.header.sequences == 160
    assert load_checkpoint(run.folder.best).header.sequences == 80
    (message,) = (text for text in messages if "read the text" not in text)
    assert "without a better loss than 2.000 after 80 sequences" in message


def test_samples_while_training_change_no_number(small_text):
    heard = []

    class Listener(progress.Quiet):
        def wrote(self, text):
            heard.append(text)

    plain = training_run.train(settings(small_text))
    run = training_run.train(settings(small_text, sample_every=30, keep_every=30), Listener())
    files = sorted((run.folder.path / "samples").iterdir())
    assert [path.name for path in files] == ["000000032.txt", "000000060.txt"]
    assert [path.read_text() for path in files] == [text + "\n" for text in heard]
    assert len(run.folder.checkpoints()) == 4
    for name, value in plain.checkpoint.weights.items():
        np.testing.assert_array_equal(value, run.checkpoint.weights[name])


def test_a_rising_loss_stops_and_the_gradients_can_be_seen(small_text, in_tmp):
    given = {
        "learning_rate": 3.0,
        "sequences": 4000,
        "save_every": 0.0,
        "out": in_tmp / "run",
        "batch": 4,
    }
    with pytest.raises(DivergedError, match=r"lower --learning-rate .*--clip 1") as caught:
        training_run.train(settings(small_text, **given))
    if (in_tmp / "run").exists():
        assert load_checkpoint(in_tmp / "run" / CHECKPOINT).header.sequences > 0
        assert "is kept in" in str(caught.value)
    assert caught.value.exit_code == 3
    seen = caught.value.evidence
    lines = norms_at_divergence(seen.network, seen.batch, seen.last)
    assert not lines or "d loss / d h_t" in lines[0]


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is read from /proc, which Linux has"
)
def test_memory_stays_flat():
    """Ten thousand steps in a process of its own: what it holds grows by less than 2 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    at_the_start, at_the_end = map(int, done.stdout.split())
    assert at_the_end - at_the_start < 2_000_000


MEMORY = """
import tempfile
from pathlib import Path
from graphrnn.training import progress as watching, run as training
from graphrnn.settings.training import TrainSettings

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

class Watcher(watching.Quiet):
    steps = 0
    def progressed(self, progress):
        self.steps += 1
        if self.steps in (1000, 10_999):
            print(held())

with tempfile.TemporaryDirectory() as folder:
    text = Path(folder, "text.txt")
    text.write_text("the cat sat on the mat; a dog lay by a log. " * 3000)
    training.train(TrainSettings(corpus=str(text), hidden=8, sequences=11_000, threads=1,
                                 save_every=0.2, out=Path(folder, "run")), Watcher())
"""
