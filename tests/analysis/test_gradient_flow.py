import dataclasses

from graphrnn.analysis import gradient_flow
from graphrnn.analysis.gradient_flow import SUBJECTS, Finding, Measured, Trained
from graphrnn.analysis.settings import GradientSettings
from graphrnn.backends.compile import compile_graph
from graphrnn.cli import app
from graphrnn.errors import UserError
from graphrnn.graph.loops import scanned, unrolled
from graphrnn.graph.shapes import tensor
from graphrnn.models import numpy_bptt
from graphrnn.models.network import share
from tests.helpers import finite_differences

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from PIL import Image

T, B, H, V = 6, 3, 4, 5
STEPS = ("rnn_glorot", "rnn_identity", "gru", "lstm")
"""One subject for each step; the others begin with other weights."""


def start(subject, rng):
    """Draw weights, with biases that are not zero."""
    values = gradient_flow.start_weights(subject, rng, vocabulary=V, hidden=H, time=T)
    for name in values.keys() & {"b", "b_n", "b_y"}:
        values[name] = values[name] + 0.5 * rng.standard_normal(values[name].shape)
    x, y = rng.integers(1, V, (T, B)).astype("int32"), rng.integers(1, V, (1, B)).astype("int32")
    return values, x, y


def by_hand(subject, values, x, y):
    """Give the last loss and d loss / d h_t `(T, B, H)`, by NumPy and the reference's passes."""
    zx, W_h = values["W_x"][x] + values["b"], values["W_h"]
    if subject.name.startswith("lstm"):
        h, c, gates = numpy_bptt.lstm_forward(zx, W_h)
    elif subject.name.startswith("gru"):
        h, gates = numpy_bptt.gru_forward(zx, W_h, values["b_n"])
    else:
        h = np.zeros((T + 1, B, H))
        for t in range(T):
            z = zx[t] + h[t] @ W_h
            h[t + 1] = np.maximum(z, 0) if subject.name == "rnn_identity" else np.tanh(z)
    z = h[-1] @ values["W_hy"] + values["b_y"]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(B), y[0]]).mean()
    p[np.arange(B), y[0]] -= 1
    last = p / B @ values["W_hy"].T
    d_h = np.zeros((T, B, H))
    d_h[-1] = last
    if subject.name.startswith("lstm"):
        dzx, _ = numpy_bptt.lstm_backward(W_h, h, c, gates, d_h)
        back = [dzx[t] @ W_h.T for t in range(T)]
    elif subject.name.startswith("gru"):
        dzx, _, _ = numpy_bptt.gru_backward(W_h, values["b_n"], h, gates, d_h)
        r, u, _ = np.split(gates, 3, axis=2)
        dzh = np.concatenate([dzx[:, :, : 2 * H], dzx[:, :, 2 * H :] * r], axis=2)
        back = [dzh[t] @ W_h.T for t in range(T)]
    for t in reversed(range(T - 1)):
        if subject.name.startswith("rnn"):
            slope = h[t + 2] > 0 if subject.name == "rnn_identity" else 1 - h[t + 2] ** 2
            d_h[t] = (d_h[t + 1] * slope) @ W_h.T
        elif subject.name.startswith("gru"):
            d_h[t] = back[t + 1] + d_h[t + 1] * u[t + 1]
        else:
            d_h[t] = back[t + 1]
    return loss, d_h


# Each two of a subject, a loop and a backend meet; what is stepped in Python is slow to rewrite.
RUNS = [(name, loop, "native") for name in STEPS for loop in (scanned, unrolled)] + [
    ("rnn_glorot", scanned, "python"),
    ("gru", unrolled, "python"),
]


@pytest.mark.parametrize(("name", "loop", "backend"), RUNS)
def test_gradients_of_states_equal_the_reference(rng, name, loop, backend):
    subject = SUBJECTS[name]
    values, x, y = start(subject, rng)
    weights = share({name: value.copy() for name, value in values.items()})

    def graph():
        inputs = [tensor("x", "int32", (T, B)), tensor("y", "int32", (1, B))]
        loss, nudge = gradient_flow.last_loss(subject, weights, *inputs, loop)
        d_h = at.grad(loss, nudge)
        return inputs, [loss, d_h, gradient_flow.norms_by_distance(d_h)], []

    loss, d_h, norms = compile_graph(graph, name="test", backend=backend)(x, y)
    wanted_loss, wanted = by_hand(subject, values, x, y)
    np.testing.assert_allclose(loss, wanted_loss, rtol=1e-10)
    np.testing.assert_allclose(d_h, wanted, rtol=1e-9, atol=1e-14)
    # A sequence's own loss counts B times what it counts in the mean.
    lengths = np.linalg.norm(B * wanted, axis=2).mean(axis=1)[::-1]
    np.testing.assert_allclose(norms, lengths, rtol=1e-9)


@pytest.mark.parametrize("subject", [SUBJECTS[name] for name in STEPS], ids=STEPS)
def test_gradients_of_states_equal_finite_differences(rng, subject):
    values, x, y = start(subject, rng)
    weights = share(values)

    def graph():
        inputs = [tensor("x", "int32", (T, B)), tensor("y", "int32", (1, B))]
        e = tensor("e", "float64", (T, B, H))
        loss, nudge = gradient_flow.last_loss(subject, weights, *inputs)
        outputs = aesara.clone_replace([loss, at.grad(loss, nudge)], {nudge: e})
        return [*inputs, e], outputs, []

    f = compile_graph(graph, name="test", backend="native")
    e = np.zeros((T, B, H))
    numeric = finite_differences(lambda: f(x, y, e)[0], e)
    np.testing.assert_allclose(f(x, y, e)[1], numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ["rnn_glorot", "gru", "lstm"])
def test_a_nudge_stands_for_the_state_itself(rng, name):
    """In a loop written out each h_t is a variable: at.grad with respect to it says the same."""
    values, x, y = start(SUBJECTS[name], rng)
    weights, states = share(values), []

    def recorded(*arguments):
        outputs = SUBJECTS[name].step(*arguments)
        states.append(outputs[0] if isinstance(outputs, tuple) else outputs)
        return outputs

    def graph():
        inputs = [tensor("x", "int32", (T, B)), tensor("y", "int32", (1, B))]
        subject = dataclasses.replace(SUBJECTS[name], step=recorded)
        loss, nudge = gradient_flow.last_loss(subject, weights, *inputs, unrolled)
        return inputs, [at.grad(loss, nudge), at.stack(at.grad(loss, states[-T:]))], []

    nudges, direct = compile_graph(graph, name="test", backend="python", rewrites=False)(x, y)
    np.testing.assert_allclose(nudges, direct, rtol=1e-12)


def test_starts_are_what_their_names_say(rng):
    weights = {
        name: gradient_flow.start_weights(subject, rng, vocabulary=9, hidden=100, time=50)
        for name, subject in SUBJECTS.items()
    }
    W = {name: values["W_h"] for name, values in weights.items()}
    assert W["rnn_random"].std() == pytest.approx(1, rel=0.05)
    assert W["rnn_glorot"].std() == pytest.approx(0.1, rel=0.05)
    assert W["rnn_small"].std() == pytest.approx(0.05, rel=0.05)
    np.testing.assert_array_equal(W["rnn_identity"], np.eye(100))
    orthogonal = [W["rnn_orthogonal"], *np.split(W["gru"], 3, 1), *np.split(W["lstm"], 4, 1)]
    for block in orthogonal:
        np.testing.assert_allclose(block @ block.T, np.eye(100), atol=1e-12)
    for name, gate, kept in [("gru", 1, 0.5), ("gru_open", 1, 0.98), ("lstm_open", 1, 0.98)]:
        bias = weights[name]["b"].reshape(-1, 100)
        np.testing.assert_allclose(1 / (1 + np.exp(-bias[gate])), kept)
        assert np.delete(bias, gate, 0).any() == np.False_
    assert set(weights["lstm"]["b"]) == {0.0, 1.0}


SMALL = {"time": 8, "hidden": 5, "batch": 4, "steps": 3, "backend": "native"}


def test_clipping_is_the_same_training_with_shorter_steps(small_text):
    settings = GradientSettings(corpus=str(small_text), learning_rate=0.5, clip=1e-3, **SMALL)
    messages = []
    finding = gradient_flow.measure(
        SUBJECTS["rnn_random"],
        gradient_flow.read(settings),
        settings,
        stepped=lambda *a: messages.append(a),
    )
    assert [done for _, done, _ in messages] == [1, 2, 3, 4, 5, 6]
    # Three steps of at most rate · clip, against gradients that are longer than that.
    assert 0 < finding.clipped.moved <= 3 * 0.5e-3 * (1 + 1e-9)
    assert finding.unclipped.moved > 10 * finding.clipped.moved
    assert len(finding.start.norms) == settings.time


def test_a_limit_above_all_gradients_changes_nothing(small_text):
    settings = GradientSettings(corpus=str(small_text), clip=1e6, **SMALL)
    text, subject = gradient_flow.read(settings), SUBJECTS["rnn_identity"]
    finding = gradient_flow.measure(subject, text, settings)
    assert finding.unclipped == finding.clipped
    assert finding == gradient_flow.measure(subject, text, settings)


def test_the_lessons_point(small_text):
    """Fifty steps back: gaussian explodes, small vanishes, the others are between."""
    changes = SMALL | {"time": 30, "hidden": 32, "steps": 0, "backend": "native"}
    settings = GradientSettings(corpus=str(small_text), **changes)
    text = gradient_flow.read(settings)
    fates = {
        name: gradient_flow.fate(gradient_flow.measure(SUBJECTS[name], text, settings).start)
        for name in ("rnn_random", "rnn_small", "rnn_orthogonal", "rnn_identity", "gru_open")
    }
    stay = dict.fromkeys(("rnn_orthogonal", "rnn_identity", "gru_open"), "stays")
    assert fates == {"rnn_random": "explodes", "rnn_small": "vanishes", **stay}


def test_explanation():
    def finding(cell, far, moved):
        measured = Measured(2.0, (1.0, far), 3.0 * moved)
        return Finding(cell, measured, Trained(measured, moved), Trained(measured, 0.5))

    text = gradient_flow.explanation([finding("rnn_random", 1e3, 7e9), finding("gru", 0.5, 1.0)])
    assert text.splitlines() == [
        "1 steps back the gradient explodes (factor of a step): rnn_random (1000.00).",
        "1 steps back the gradient stays (factor of a step): gru (0.50).",
        text.splitlines()[2],
        "Clipping shortens a gradient and keeps its direction: rnn_random's weights moved by 7e+09 "
        "without it and by 0.5 with it. It brings back nothing that has vanished.",
    ]


def test_command_prints_tables_and_writes_a_picture(capsys, small_text, in_tmp):
    words = ["--corpus", small_text, "--time", "8", "--hidden", "5", "--batch", "4"]
    more = ["--steps", "2", "--backend", "native", "--out", "new/g.png"]
    app.main(["gradients", "rnn_identity", "gru", *map(str, words), *more])
    printed = capsys.readouterr().out
    assert "norm of d loss / d h_t by distance T - t, at the start and after 2 clipped" in printed
    lines = [line.split() for line in printed.splitlines()]
    assert ["0", "2", "5", "7", "a", "step"] in lines
    starts = [line for line in lines if line[1:2] == ["start"]]
    assert [line[0] for line in starts] == ["rnn_identity", "gru"]
    assert all(len(line) == 8 for line in starts)
    assert "…" not in printed
    with Image.open(in_tmp / "new/g.png") as picture:
        assert picture.width > picture.height
    assert list((in_tmp / "new").iterdir()) == [in_tmp / "new/g.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lsmt"], "unknown cell 'lsmt'; did you mean 'lstm'"),
        (["--time", "1"], "--time: got 1, needed a value greater than or equal to 2"),
        (["--hidden", "0"], "--hidden: got 0, needed a value greater than 0"),
        (["--steps", "-1"], "--steps: got -1, needed a value greater than or equal to 0"),
        (["--clip", "0"], "--clip: got 0, needed a value greater than 0"),
        (["--backend", "c"], "unknown backend 'c'"),
        (["--corpus", "nitzsche"], "did you mean 'nietzsche'?"),
        (["--out", "g.svg"], "--out: got 'g.svg', needed a name that ends in .png"),
        (["--out", "/proc/nothing/g.png"], "--out: cannot write '/proc/nothing/g.png': no such"),
    ],
)
def test_bad_input_is_one_line(capsys, in_tmp, arguments, message):
    with pytest.raises(SystemExit) as exit_:
        app.main(["gradients", *arguments])
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert list(in_tmp.iterdir()) == []


def test_too_short_a_text_is_refused(small_text):
    settings = GradientSettings(corpus=str(small_text), time=50, batch=32)
    with pytest.raises(UserError, match="--corpus: got 8 sequences of 50 characters .* needed 32"):
        gradient_flow.read(settings)
