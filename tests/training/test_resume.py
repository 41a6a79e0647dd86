"""A run that was stopped and goes on is, to the last bit, the run that was not."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path

from graphrnn.data import batches
from graphrnn.errors import UserError
from graphrnn.native import linker
from graphrnn.native.runtime.compilers import CompileError
from graphrnn.runs.checkpoint import Point, load_checkpoint, save_checkpoint
from graphrnn.runs.folder import RunFolder
from graphrnn.sampling.sampler import Sampler
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings
from graphrnn.training import interrupt, progress, trainer, validation
from graphrnn.training import run as training_run
from tests import run_training

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

KINDS = {
    "sgd": {"model": "theano_rnn", "batch": 1},
    "adam": {"model": "rnn_sequences", "optimizer": "adam", "backend": "python"},
    "momentum and steps": {
        "model": "theano_gru", "batch": 4, "momentum": 0.5, "schedule": "step", "decay_at": (30,),
    },
    "carried state": {"model": "stateful_lstm", "optimizer": "rmsprop", "schedule": "cosine"},
    "dropout": {"model": "stacked_lstm", "layers": 1, "dropout": 0.3, "time": 3},
    "numpy": {"model": "reference", "batch": 1},
}  # fmt: skip
"""Optimizers with every kind of state, a carried state, all kinds of windows, draws in training."""


def given(corpus, **changes):
    """Several passes over a short text, in under a second."""
    values = {
        "hidden": 5,
        "time": 6,
        "batch": 4,
        "sequences": 120,
        "learning_rate": 0.01,
        "log_every": 8,
    }
    values |= {"held_out": 0.3, "backend": "native", "corpus": str(corpus)}
    return values | changes


@pytest.fixture
def short_text(in_tmp):
    """Some 40 windows of 8 to train on: a run passes over them several times."""
    path = in_tmp / "short.txt"
    path.write_text("the cat sat on the mat; a dog lay by a log. " * 10, encoding="utf-8")
    return path


@pytest.fixture
def compiled_once(monkeypatch):
    """Compile for the first run of a test alone; others start from what that one started from."""
    build, first = trainer.Trainer.build, []

    def again(settings, data, folder, watcher):
        if not first:
            made = build(settings, data, folder, watcher)
            variables = [*made.network.weights.values(), *made.step.state.values()]
            start = [variable.get_value() for variable in variables]
            first.append((made, variables, start, made.step.rng.bit_generator.state))
        made, variables, start, generator = first[0]
        for variable, value in zip(variables, start, strict=True):
            variable.set_value(value)
        rng = np.random.default_rng(99)
        rng.bit_generator.state = generator
        windows = made.step.reader.windows
        reader = batches.Reader(data.train, settings.time, settings.batch, windows, rng)
        step = dataclasses.replace(made.step, settings=settings, reader=reader)
        validation = dataclasses.replace(made.validation, points=[])
        return trainer.Trainer.of(settings, data, folder, watcher, step, validation)

    monkeypatch.setattr(trainer.Trainer, "build", again)


def same(left, right):
    """Check that two finished runs have the same bits, losses and words."""
    a, b = (load_checkpoint(folder / "last.safetensors") for folder in (left, right))
    for kind in ("weights", "state"):
        assert getattr(a, kind).keys() == getattr(b, kind).keys()
        for name, value in getattr(a, kind).items():
            np.testing.assert_array_equal(value, getattr(b, kind)[name], err_msg=name)
    assert a.header.train == b.header.train
    assert a.header.held_out == b.header.held_out
    assert a.header.position == b.header.position
    logs = [
        [{k: v for k, v in line.items() if k != "characters_per_second"} for line in folder_lines]
        for folder_lines in (RunFolder(left).lines(), RunFolder(right).lines())
    ]
    assert logs[0] == logs[1]
    best = [load_checkpoint(folder / "best.safetensors") for folder in (left, right)]
    assert best[0].header.sequences == best[1].header.sequences
    assert best[0].header.position == best[1].header.position
    if find_spec("tensorboardX"):
        from tests.runs.test_tensorboard import numbers, read

        assert read(right) == numbers(RunFolder(right).lines())


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_by_steps_and_resumed(short_text, in_tmp, compiled_once, kind):
    settings = given(short_text, **KINDS[kind])
    whole = training_run.train(TrainSettings(**settings, out=in_tmp / "whole"))
    stop, out = (9 if settings["batch"] > 1 else 50), in_tmp / "parts"
    part = training_run.train(TrainSettings(**settings, out=out, steps=stop))
    assert not part.done
    assert part.checkpoint.header.sequences == stop * settings["batch"]
    done = training_run.resume(str(out))
    assert done.done
    same(in_tmp / "whole", out)
    texts = []
    for run in (whole, done):
        sampler = Sampler.of(load_checkpoint(run.folder.last), backend=settings["backend"])
        prompt = sampler.some_prompt()
        texts.append(
            "".join(sampler.write_by_steps(SampleSettings(prompt=prompt, length=20, seed=0)))
        )
    assert texts[0] == texts[1]


def test_stopped_by_ctrl_c_and_resumed(short_text, in_tmp, compiled_once):
    class Impatient(progress.Quiet):
        def progressed(self, progress):
            if progress.sequences == 44:
                signal.raise_signal(signal.SIGINT)

    settings = given(short_text, **KINDS["adam"])
    training_run.train(TrainSettings(**settings, out=in_tmp / "whole"))
    with pytest.raises(interrupt.Interrupted, match="to go on: graphrnn train --resume"):
        training_run.train(TrainSettings(**settings, out=in_tmp / "parts"), Impatient())
    training_run.resume(str(in_tmp / "parts"))
    same(in_tmp / "whole", in_tmp / "parts")


@pytest.mark.parametrize("reading", [2, 10])
def test_stopped_in_a_validation_and_resumed(
    short_text, in_tmp, compiled_once, monkeypatch, reading
):
    """It ends at once, and is made when the run goes on; the tenth comes after the last step."""
    settings = given(short_text, **KINDS["sgd"], sample_every=40, keep_every=40)
    training_run.train(TrainSettings(**settings, out=in_tmp / "whole"))
    evaluate, readings = validation.evaluate, []

    def interrupted(*arguments, **options):
        readings.append(options["sequences"])
        if len(readings) == reading:
            signal.raise_signal(signal.SIGTERM)
        return evaluate(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(validation, "evaluate", interrupted)
        with pytest.raises(interrupt.Interrupted, match="ended by SIGTERM after") as caught:
            training_run.train(TrainSettings(**settings, out=in_tmp / "parts"))
    assert caught.value.exit_code == 143
    kept = load_checkpoint(in_tmp / "parts" / "last.safetensors").header
    assert (kept.sequences, len(kept.held_out)) == (readings[-1], reading - 1)
    training_run.resume(str(in_tmp / "parts"))
    same(in_tmp / "whole", in_tmp / "parts")
    names = [
        [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*0.[st]*"))]
        for folder in (in_tmp / "whole", in_tmp / "parts")
    ]
    assert names[0] == names[1]


PLACES = [
    *(("step", n) for n in np.random.default_rng(1).integers(1, 30, 8)),
    *(("write", n) for n in (1, 2, 9)),
    *(("rename", n) for n in (1, 4, 8)),
    *(("copy", n) for n in (2, 5, 6)),
    *(("log", n) for n in (1, 6, 14)),
]  # fmt: skip


def test_killed_at_twenty_moments_and_resumed(short_text, in_tmp, compiled_once):
    """Each is killed while it trains or saves; nothing is broken, and nothing is lost for good."""
    if not hasattr(os, "fork"):
        pytest.skip("processes cannot be forked here")
    assert len(PLACES) == 20
    settings = given(short_text, **KINDS["adam"], save_every=0.0, keep_every=40)
    run_training.go(settings | {"out": in_tmp / "whole"})
    for k, (place, count) in enumerate(PLACES):
        out = in_tmp / f"{k}-{place}-{count}"
        killed(settings | {"out": out}, place, count)
        for path in RunFolder(out).checkpoints():
            load_checkpoint(path)  # which checks its digest
        finished(out)
        same(in_tmp / "whole", out)
        assert not list(out.glob(".*safetensors*"))
        assert len(RunFolder(out).checkpoints()) == 5  # the last, the best and three that are kept
        shutil.rmtree(out)


def killed(settings, place, count):
    """Train in a forked process until it kills itself: what is compiled need not be imported."""
    child = os.fork()
    if child == 0:
        try:
            run_training.go(settings, "", place, count)
        finally:
            os._exit(7)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, (place, count)


def finished(out):
    """Go on with a run in a forked process, to its end."""
    child = os.fork()
    if child == 0:
        try:
            training_run.resume(str(out))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(7)
    assert os.waitpid(child, 0)[1] == 0


def test_killed_in_a_process_of_its_own(short_text, in_tmp):
    """The same, from outside and with the compiled backend, and the second process is a new one."""
    settings = given(short_text, **KINDS["sgd"])
    training_run.train(TrainSettings(**settings, out=in_tmp / "whole"))
    words = [sys.executable, "-m", "tests.run_training", json.dumps(settings | {"out": "parts"})]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    first = subprocess.run([*words, "", "step", "17"], env=environ, check=False)
    assert first.returncode == -signal.SIGKILL
    subprocess.run([*words, "parts"], env=environ, check=True)
    same(in_tmp / "whole", in_tmp / "parts")


def test_more_sequences(short_text, in_tmp, compiled_once):
    settings = given(short_text, **KINDS["sgd"])
    training_run.train(TrainSettings(**settings, out=in_tmp / "run"))
    with pytest.raises(UserError, match="the run has done 120; say a larger --sequences"):
        training_run.resume(str(in_tmp / "run"))
    longer = training_run.resume(str(in_tmp / "run"), TrainSettings(sequences=200))
    whole = training_run.train(TrainSettings(**settings | {"sequences": 200}, out=in_tmp / "whole"))
    for name, value in whole.checkpoint.weights.items():
        np.testing.assert_array_equal(value, longer.checkpoint.weights[name])
    assert longer.checkpoint.header.train == whole.checkpoint.header.train
    steps = [line["step"] for line in longer.folder.lines() if "loss" in line]
    assert len(steps) == len(set(steps))


def test_ended_by_patience(short_text, in_tmp, compiled_once, monkeypatch):
    """It is not trained on as if it had been stopped, unless it is given more patience."""
    losses = iter([3.0, 2.0, 2.5, 2.1, 1.0])

    def reading(*arguments, sequences, **options):
        return Point(sequences=sequences, loss=next(losses), accuracy=0.1)

    monkeypatch.setattr(validation, "evaluate", reading)
    settings = given(short_text, **KINDS["sgd"], patience=2)
    training_run.train(TrainSettings(**settings, out=in_tmp / "run"))
    with pytest.raises(UserError, match="patience of 2, and the run ended after 2 validations"):
        training_run.resume(str(in_tmp / "run"))
    losses = iter([1.0] * 9)
    more = training_run.resume(str(in_tmp / "run"), TrainSettings(patience=3))
    assert more.checkpoint.header.sequences == 12 * (4 + 1 + 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 6}, "--hidden: got 6, but this run was begun with 5"),
        ({"learning_rate": 0.5}, "--learning-rate: got 0.5, but this run was begun with 0.01"),
        ({"seed": 3}, "--seed: got 3, but this run was begun with 0"),
        ({"steps": 2}, "--steps: got 2, and the run has taken 3"),
        ({"corpus": "python-docs"}, "is not the text that this run was begun with"),
    ],
)
def test_what_may_not_change(short_text, in_tmp, changes, message):
    settings = given(short_text, **KINDS["numpy"])
    training_run.train(TrainSettings(**settings, out=in_tmp / "run", steps=3))
    before = (in_tmp / "run" / "last.safetensors").read_bytes()
    with pytest.raises(UserError, match=message):
        training_run.resume(str(in_tmp / "run"), TrainSettings(**changes))
    assert (in_tmp / "run" / "last.safetensors").read_bytes() == before


def test_a_run_that_has_done_all_makes_its_last_reading_and_ends(short_text, in_tmp):
    settings = given(short_text, **KINDS["numpy"])
    training_run.train(TrainSettings(**settings, out=in_tmp / "run", steps=3))
    done = training_run.resume(str(in_tmp / "run"), TrainSettings(sequences=3))
    header = done.checkpoint.header
    assert (header.sequences, header.held_out[-1].sequences) == (3, 3)
    before = (in_tmp / "run" / "last.safetensors").read_bytes()
    with pytest.raises(UserError, match="--resume: got 3 sequences, and the run has done 3"):
        training_run.resume(str(in_tmp / "run"), TrainSettings(sequences=3))
    assert (in_tmp / "run" / "last.safetensors").read_bytes() == before


def test_what_may_change(short_text, in_tmp):
    settings = given(short_text, **KINDS["sgd"])
    training_run.train(TrainSettings(**settings, out=in_tmp / "run", steps=3))
    moved = (in_tmp / "run").rename(in_tmp / "moved")
    changes = {"backend": "python", "threads": 1, "save_every": 3.0, "keep_every": 50, "hidden": 5}
    done = training_run.resume(str(moved), TrainSettings(**changes))
    assert done.done
    assert RunFolder(moved).read_settings().backend == "python"
    assert len(RunFolder(moved).checkpoints()) == 4


def no_compiler(*arguments):
    raise CompileError("no C compiler on PATH")


@pytest.mark.parametrize("began", ["native", "python"])
def test_auto_does_not_come_to_another_backend(short_text, in_tmp, monkeypatch, began):
    """As where the compiler is gone, or there is one now: the roundings would differ."""
    settings = given(short_text, **KINDS["sgd"] | {"backend": "auto"})
    goes_on = "native" if began == "python" else "python"
    function = "graphrnn.native.runtime.function.load"
    monkeypatch.setattr(linker, "STOCK_SCAN", False)  # C++ is slow to compile
    with monkeypatch.context() as patch:
        if began == "python":
            patch.setattr(function, no_compiler)
        run = training_run.train(TrainSettings(**settings, out=in_tmp / "run", steps=3))
        assert run.checkpoint.header.versions["backend"] == began
        same = training_run.resume(str(in_tmp / "run"), TrainSettings(steps=5))
        assert same.checkpoint.header.position.steps == 5
    before = (in_tmp / "run" / "last.safetensors").read_bytes()
    if began == "native":
        monkeypatch.setattr(function, no_compiler)
    wanted = f"trained by {began}, and --backend auto comes to {goes_on} now, which rounds other"
    with pytest.raises(UserError, match=wanted):
        training_run.resume(str(in_tmp / "run"))
    assert (in_tmp / "run" / "last.safetensors").read_bytes() == before
    done = training_run.resume(str(in_tmp / "run"), TrainSettings(backend=goes_on))
    assert done.done
    assert done.checkpoint.header.versions["backend"] == goes_on


def test_a_checkpoint_from_before_backends_were_noted(short_text, in_tmp):
    settings = given(short_text, **KINDS["numpy"])
    run = training_run.train(TrainSettings(**settings, out=in_tmp / "run", steps=3))
    assert run.checkpoint.header.versions["backend"] == "numpy"
    header = run.checkpoint.header
    versions = {name: value for name, value in header.versions.items() if name != "backend"}
    older = dataclasses.replace(
        run.checkpoint, header=dataclasses.replace(header, versions=versions)
    )
    save_checkpoint(run.folder.last, older)
    assert training_run.resume(str(in_tmp / "run")).done


def test_another_process_in_the_folder_is_refused(short_text, in_tmp):
    settings = given(short_text, **KINDS["numpy"])
    complaints = []

    class Nosy(progress.Quiet):
        def evaluated(self, point):
            for go in (
                lambda: training_run.resume(str(in_tmp / "run")),
                lambda: training_run.train(TrainSettings(**settings, out=in_tmp / "run")),
            ):
                with pytest.raises(UserError) as caught:
                    go()
                complaints.append(str(caught.value))

    training_run.train(TrainSettings(**settings, out=in_tmp / "run"), Nosy())
    assert "another process trains in this folder" in complaints[0]
    assert "holds files already" in complaints[1]
    assert not RunFolder(in_tmp / "run").training
