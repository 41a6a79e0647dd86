import signal
import threading

from graphrnn.errors import DivergedError, UserError
from graphrnn.runs.checkpoint import Point, load_checkpoint
from graphrnn.runs.folder import CHECKPOINT, RunFolder
from graphrnn.sampling.sampler import load_sampler
from graphrnn.settings.training import TrainSettings
from graphrnn.training import checkpointing, interrupt, progress, trainer, validation
from graphrnn.training import run as training_run

import numpy as np
import pytest


def settings(corpus, **changes):
    """Small enough to be compiled and trained in a moment."""
    given = {"hidden": 8, "sequences": 60, "batch": 4, "backend": "native", "learning_rate": 0.02}
    return TrainSettings(corpus=str(corpus), **(given | changes))


def by_numpy(corpus, **changes):
    """A network that NumPy trains, for what any run does around its steps."""
    return settings(corpus, **{"model": "reference"} | changes)


class Recorder(progress.Quiet):
    """Keeps all that a watcher is told."""

    def __init__(self):
        self.progress, self.points, self.builds = [], [], []

    def built(self, build):
        self.builds.append(build)

    def progressed(self, progress):
        self.progress.append(progress)

    def evaluated(self, point):
        self.points.append(point)


def test_a_run_learns_and_is_saved(small_text):
    recorder = Recorder()
    run = training_run.train(settings(small_text, sequences=1200, batch=1, hidden=16), recorder)
    header = run.checkpoint.header
    assert run.folder.path.as_posix() == "runs/theano_rnn-1"
    assert [point.sequences for point in header.train] == [1000, 1200]
    assert [point.sequences for point in header.held_out] == list(range(120, 1201, 120))
    assert header.held_out[-1].loss < 0.85 * header.held_out[0].loss
    assert header.held_out[-1].accuracy > header.held_out[0].accuracy
    assert len(recorder.progress) == 1200
    assert recorder.progress[-1].sequences == recorder.progress[-1].total == 1200
    assert tuple(recorder.points) == header.held_out
    assert {build.function for build in recorder.builds} == {"train", "evaluate"}
    loaded = load_checkpoint(run.folder.last)
    for name, value in run.checkpoint.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], value)
    assert loaded.header.train == header.train


@pytest.mark.parametrize("loop", ["scan", "unrolled"])
def test_same_seed_same_numbers(small_text, loop):
    seeds = (5, 5, 6)
    trained = [training_run.train(settings(small_text, seed=n, loop=loop)) for n in seeds]
    runs = [each.checkpoint for each in trained]
    same, again, other = (run.weights["W_hy"] for run in runs)
    np.testing.assert_array_equal(same, again)
    assert (same != other).any()
    assert runs[0].header.train == runs[1].header.train


def test_scan_and_unrolled_train_alike(small_text):
    scan, unrolled = (
        training_run.train(settings(small_text, loop=loop, dtype="float64")).checkpoint
        for loop in ("scan", "unrolled")
    )
    for name, value in scan.weights.items():
        np.testing.assert_allclose(value, unrolled.weights[name], rtol=1e-9, atol=1e-12)


def test_runs_are_numbered_and_never_overwritten(small_text, in_tmp):
    folders = [training_run.train(by_numpy(small_text)).folder.path.name for _ in range(2)]
    assert folders == ["reference-1", "reference-2"]
    out = in_tmp / "runs" / "reference-1"
    with pytest.raises(UserError, match="holds files already"):
        training_run.train(by_numpy(small_text, out=out))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "gruu"}, "unknown model 'gruu'"),
        ({"loop": "scam"}, "unknown loop 'scam'; did you mean 'scan'"),
        ({"backend": "numba"}, "unknown backend 'numba'"),
        ({"batch": 5000}, "batch: got 5000, needed at most 496"),
        ({"time": 5000}, "training text: got 3969 characters, needed at least 5001"),
        ({"time": 1000, "batch": 1}, "held-out text: got 441 characters, needed at least 1001"),
    ],
)
def test_bad_settings_end_before_anything_compiles(small_text, changes, message):
    recorder = Recorder()
    with pytest.raises(UserError, match=message):
        training_run.train(settings(small_text, **changes), recorder)
    assert recorder.builds == []
    assert not (small_text.parent / "runs").exists()


def test_folder_that_cannot_be_written(small_text, in_tmp):
    (in_tmp / "file").touch()
    with pytest.raises(UserError, match="--out: .*not a directory; name a folder"):
        training_run.train(settings(small_text, out=in_tmp / "file"))
    with pytest.raises(UserError, match="--out: cannot write in .*(not a directory|file exists)"):
        training_run.train(settings(small_text, out=in_tmp / "file" / "run"))


def test_explosion_stops_and_names_the_remedy(small_text, in_tmp):
    with pytest.raises(
        DivergedError, match=r"the loss became (nan|inf).*lower --learning-rate .*--clip 1"
    ):
        training_run.train(
            settings(small_text, learning_rate=1e6, sequences=400, out=in_tmp / "run")
        )
    assert not (in_tmp / "run").exists()


def test_ctrl_c_saves_at_the_next_step(small_text, in_tmp):
    class Impatient(progress.Quiet):
        def progressed(self, progress):
            if progress.sequences == 20:
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(interrupt.Interrupted, match="after 20 of 60 sequences.*is kept in"):
        training_run.train(by_numpy(small_text, out=in_tmp / "run"), Impatient())
    assert load_checkpoint(in_tmp / "run" / CHECKPOINT).header.sequences == 20
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_at_once(small_text):
    class Furious(progress.Quiet):
        def progressed(self, progress):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        training_run.train(by_numpy(small_text), Furious())


def test_training_in_another_thread(small_text):
    runs = []
    thread = threading.Thread(target=lambda: runs.append(training_run.train(settings(small_text))))
    thread.start()
    thread.join()
    assert len(runs) == 1


def test_a_failed_save_keeps_the_last_checkpoint(small_text, in_tmp, monkeypatch):
    saves = []

    def second_fails(path, checkpoint, *copies, save=checkpointing.save_checkpoint):
        saves.append(path)
        if len(saves) == 2:
            raise UserError("cannot write: no space left on device")
        save(path, checkpoint, *copies)

    monkeypatch.setattr(checkpointing, "save_checkpoint", second_fails)
    with pytest.raises(UserError, match="no space left"):
        training_run.train(by_numpy(small_text, save_every=0, out=in_tmp / "run"))
    assert load_checkpoint(in_tmp / "run" / CHECKPOINT).header.sequences == 4


def test_a_log_that_cannot_be_written_waits_for_room(small_text, monkeypatch):
    messages, write, calls = [], RunFolder.write_line, []

    class Listener(progress.Quiet):
        def noted(self, text):
            messages.append(text)

    def now_and_then(folder, line):
        calls.append(line)
        if 3 <= len(calls) <= 8:
            raise UserError("cannot write 'log.jsonl': no space left on device")
        write(folder, line)

    monkeypatch.setattr(RunFolder, "write_line", now_and_then)
    run = training_run.train(by_numpy(small_text, log_every=8), Listener())
    lines = run.folder.lines()
    assert [line["step"] for line in lines if "loss" in line] == [2, 4, 6, 8, 10, 12, 14, 15]
    assert len([line for line in lines if "held_out_loss" in line]) == 10
    assert [text for text in messages if "read the text" not in text] == [
        "cannot write 'log.jsonl': no space left on device; the run goes on, and its log when "
        "there is room"
    ]


def test_a_stretch_that_has_just_begun_is_not_shown(small_text):
    recorder = Recorder()
    run = training_run.train(by_numpy(small_text, sequences=1100, batch=1), recorder)
    first = run.checkpoint.header.train[0]
    assert first.sequences == 1000
    shown = recorder.progress[1000:]
    assert {progress.loss for progress in shown} == {first.loss}


def test_ctrl_c_while_compiling_leaves_nothing(small_text, in_tmp):
    class Impatient(progress.Quiet):
        def built(self, build):
            raise KeyboardInterrupt

    with pytest.raises(interrupt.Interrupted, match="before training began; nothing was saved"):
        training_run.train(settings(small_text, out=in_tmp / "run"), Impatient())
    assert not (in_tmp / "run").exists()


def test_a_folder_of_the_users_is_left_alone(small_text, in_tmp):
    """An empty folder stays when the run fails; one with files in it is refused untouched."""
    (in_tmp / "mine").mkdir()
    with pytest.raises(DivergedError):
        training_run.train(
            settings(small_text, learning_rate=1e6, sequences=400, out=in_tmp / "mine")
        )
    assert list((in_tmp / "mine").iterdir()) == []
    (in_tmp / "mine" / "loss.png").write_text("holiday")
    with pytest.raises(UserError, match="holds files already"):
        training_run.train(settings(small_text, out=in_tmp / "mine"))
    assert (in_tmp / "mine" / "loss.png").read_text() == "holiday"


def test_broken_weights_are_not_saved(small_text, in_tmp, monkeypatch):
    """The loss is that before the update, so a step can break the weights and still look well."""

    class Saboteur(progress.Quiet):
        def progressed(self, progress):
            if progress.sequences == 20:
                trainers[0].network.weights["b_y"].set_value(np.full(trainers[1], np.nan, "f4"))

    trainers = []
    build = trainer.Trainer.build

    def built(*arguments):
        trainers[:] = [build(*arguments)]
        trainers.append(trainers[0].network.sizes.vocabulary)
        return trainers[0]

    monkeypatch.setattr(trainer.Trainer, "build", built)
    run = settings(small_text, save_every=0, out=in_tmp / "run")
    with pytest.raises(DivergedError, match="the network after 16 is kept"):
        training_run.train(run, Saboteur())
    assert load_checkpoint(in_tmp / "run" / CHECKPOINT).header.sequences == 16


def test_a_held_out_loss_that_is_not_finite_stops_the_run(small_text, in_tmp, monkeypatch):
    nan = Point(sequences=1, loss=float("nan"), accuracy=0.0)
    monkeypatch.setattr(validation, "evaluate", lambda *a, **k: nan)
    with pytest.raises(DivergedError, match="the loss became nan"):
        training_run.train(settings(small_text, out=in_tmp / "run"))
    assert not (in_tmp / "run").exists()


def test_a_name_that_is_no_text_is_refused(small_text, in_tmp):
    with pytest.raises(UserError, match="needed a name in UTF-8"):
        training_run.train(settings(small_text, out=in_tmp / "x\udcff"))


@pytest.mark.parametrize(
    "model", ["three_char", "rnn", "stateful_lstm", "stacked_lstm", "reference_gru"]
)
def test_every_kind_of_network_trains_and_writes(small_text, model):
    """Windows by hand, a last output, streams, overlapping windows with dropout, and NumPy."""
    given = {"batch": 4, "hidden": 6, "sequences": 40, "learning_rate": 0.02}
    given |= {"time": 5} if model not in ("three_char",) else {}
    given |= {"time": 5, "layers": 2, "dropout": 0.3} if model == "stacked_lstm" else {}
    chosen = TrainSettings(corpus=str(small_text), model=model, backend="native", **given)
    run = training_run.train(chosen)
    assert run.checkpoint.header.held_out[-1].loss < 5
    sampler = load_sampler(str(run.folder.path), backend="python")
    sampler.read("the cat")
    assert sum(p for _, p in sampler.next_characters(99)) == pytest.approx(1)


def test_nothing_held_out(small_text):
    run = training_run.train(settings(small_text, held_out=0.0))
    assert run.checkpoint.header.held_out == ()
    assert len(run.data.train) == 4410


def test_dropout_changes_with_the_seed_alone(small_text):
    given = {"model": "stacked_lstm", "hidden": 4, "time": 3, "batch": 4, "sequences": 12}
    given |= {"layers": 1, "held_out": 0.0}
    runs = [
        training_run.train(
            TrainSettings(corpus=str(small_text), backend="native", dropout=share, **given)
        ).checkpoint.weights["W_hy"]
        for share in (0.5, 0.5, 0.0)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_networks_by_hand_have_plain_sgd_alone(small_text):
    with pytest.raises(UserError, match="--optimizer: reference is trained by NumPy and plain SGD"):
        training_run.train(settings(small_text, model="reference", clip=1.0))
