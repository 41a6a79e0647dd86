"""Training of a function of one's own: kept, interrupted, resumed."""

import json
import os
import signal

import graphrnn as gr
from graphrnn.errors import DivergedError, UserError
from graphrnn.training.interrupt import Interrupted

import aesara.tensor as at
import numpy as np
import pytest


def network(optimizer="adam"):
    """Build a small regression with dropout, whose draws have to go on too."""
    params = gr.share({"W": np.full((4, 2), 0.1, "float32"), "b": np.zeros(2, "float32")})
    W, b = params.values()
    rng = at.random.RandomStream(seed=5)

    def graph():
        x, y = gr.tensor("x", "float32", (3, 4)), gr.tensor("y", "float32", (3, 2))
        rate = gr.tensor("learning_rate", "float32", ())
        kept = rng.bernoulli(0.8, size=(3, 4)).astype("float32")
        loss = at.mean((at.dot(x * kept, W) + b - y) ** 2)
        step = getattr(gr.updates, optimizer)([W, b], gr.updates.gradients(loss, [W, b]), rate)
        return [x, y, rate], [loss, at.max(at.abs(W))], [*step, *rng.updates()]

    return gr.compile(graph, name="train", backend="python"), W


def batches(n=40, seed=0):
    draws = np.random.default_rng(seed)
    A = draws.standard_normal((4, 2))
    xs = [draws.standard_normal((3, 4)) for _ in range(n)]
    return [(x.astype("float32"), (x @ A).astype("float32")) for x in xs]


def fit(function, data, **options):
    return gr.fit(function, data, learning_rate=0.01, quiet=True, **options)


def test_a_loss_falls_and_all_is_kept(in_tmp):
    train, W = network()
    run = fit(train, batches(), epochs=5, log_every=50, name="mine")
    assert run.path.as_posix() == "runs/mine-1"
    assert run.steps == 200
    assert [line["step"] for line in run.log] == [50, 100, 150, 200]
    losses = [line["loss"] for line in run.log]
    assert losses == sorted(losses, reverse=True)
    assert {"step", "loss", "result_2"} == set(run.log[0])
    assert json.loads((run.path / "log.jsonl").read_text().splitlines()[-1]) == run.log[-1]
    assert (run.path / "curves.png").read_bytes().startswith(b"\x89PNG")
    other, W_too = network()
    assert (W_too.get_value() != W.get_value()).any()
    gr.load(run.parameters, other)
    np.testing.assert_array_equal(W_too.get_value(), W.get_value())
    assert "200 steps" in repr(run)


def test_resumed_it_is_the_run_without_a_break(in_tmp):
    whole, W = network()
    wanted = fit(whole, batches(), epochs=2, log_every=30, out="whole")
    first, _ = network()
    fit(first, batches(), steps=37, epochs=2, log_every=30, out="parts")
    second, W_too = network()
    got = fit(second, batches(), epochs=2, log_every=30, resume="parts")
    np.testing.assert_array_equal(W.get_value(), W_too.get_value())
    assert got.log == wanted.log


def test_ctrl_c_keeps_all(in_tmp):
    train, W = network()

    def interrupted(epoch):
        for k, batch in enumerate(batches()):
            if k == 10:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    with pytest.raises(Interrupted, match=r"after 1\d steps; all is kept in 'run'.*resume='run'"):
        fit(train, interrupted, epochs=3, out="run")
    value = W.get_value()
    again, W_too = network()
    gr.load("run/parameters.safetensors", again)
    np.testing.assert_array_equal(W_too.get_value(), value)


def test_a_loss_that_is_no_number_ends_it(in_tmp):
    train, _ = network("sgd")
    with pytest.raises(DivergedError, match=r"the loss became (nan|inf) at step \d+; lower"):
        gr.fit(train, batches(), learning_rate=1e6, epochs=20, quiet=True)


def test_batches_by_name_and_progress(in_tmp, capsys):
    train, _ = network()
    data = [{"x": x, "y": y} for x, y in batches(5)]
    gr.fit(train, lambda epoch: data, epochs=2, learning_rate=0.01)
    assert "10 steps in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs: got 0, needed 1 or more"),
        ({"resume": "nowhere"}, "resume: 'nowhere' holds no parameters"),
        ({"resume": "nowhere", "out": "there"}, "got out and resume"),
    ],
)
def test_options_that_do_not_fit(in_tmp, options, words):
    train, _ = network()
    with pytest.raises(UserError, match=words):
        fit(train, batches(), **options)


def test_batches_that_do_not_fit(in_tmp):
    train, _ = network()
    with pytest.raises(UserError, match="is read once, and several epochs"):
        fit(train, iter(batches()), epochs=2)
    with pytest.raises(UserError, match="say epochs or steps"):
        fit(train, lambda epoch: batches())
    with pytest.raises(TypeError, match=r"x: got float32 \(2, 4\)"):
        fit(train, [(np.zeros((2, 4), "float32"), np.zeros((3, 2), "float32"))])


def test_a_function_without_a_loss_is_refused(in_tmp):
    x = gr.tensor("x", "float32", (3,))
    f = gr.compile(lambda: ([x], [x * 2], []), name="f", backend="python")
    with pytest.raises(UserError, match="first result must be the loss"):
        gr.fit(f, [(np.zeros(3, "float32"),)], quiet=True)
