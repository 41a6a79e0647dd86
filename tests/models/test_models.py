"""Every rung of the ladder against its equations in NumPy; gradients by finite differences."""

from functools import cache

from graphrnn import models
from graphrnn.errors import ShapeError, UserError
from graphrnn.graph.loops import loop_named
from graphrnn.models import network as networks
from graphrnn.settings.recipes import RECIPES, recipe_for
from tests import oracles
from tests.helpers import CLOSE, finite_differences

import numpy as np
import pytest

SIZES = models.Sizes(9, 5, 4, 2)
B, RATE = 3, 0.1


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_weights(rng, name, dtype):
    model = models.MODELS[name]
    weights = model.initial_weights(rng, SIZES, dtype)
    assert {value.dtype.name for value in weights.values()} == {dtype}
    assert {n: value.shape for n, value in weights.items()} == model.weight_shapes(SIZES)
    assert weights["W_hy"].shape == (5, 9)
    assert all(np.isfinite(value).all() for value in weights.values())


def test_every_model_has_a_recipe_and_an_oracle():
    assert set(models.MODELS) == set(RECIPES) == set(oracles.LOGITS)


def test_theano_rnn_starts_as_the_lesson_does(rng):
    weights = models.MODELS["theano_rnn"].initial_weights(rng, models.Sizes(9, 4), "float32")
    np.testing.assert_array_equal(weights["W_hh"], np.eye(4))
    assert not weights["b_h"].any()
    assert not weights["b_y"].any()


def test_unknown_model_has_near_matches():
    with pytest.raises(UserError, match="unknown model 'teano_rnn'; did you mean 'theano_rnn'"):
        models.model_named("teano_rnn")


def test_three_char_reads_three(rng):
    network = make_network("three_char", draw("three_char")[0], "scan", "float32", "python")
    with pytest.raises(ShapeError, match="--time: got 4, needed 3"):
        network.compile_evaluate(time=4, batch=2)


def draw(name):
    """Draw weights that are nowhere zero, masks and a batch."""
    rng, model = np.random.default_rng(7), models.MODELS[name]
    weights = model.initial_weights(rng, SIZES, "float64")
    for key, value in weights.items():
        if key not in model.statistics:
            weights[key] = value + 0.3 * rng.standard_normal(value.shape)
    masks = {key: (rng.random((B, n)) < 0.8) / 0.8 for key, n in model.masks(SIZES).items()}
    x, y = rng.integers(1, 9, (2, 3 if name == "three_char" else 4, B)).astype("int32")
    return weights, masks, x, y


@cache
def expected(name):
    """Loss, accuracy and gradients by the oracle."""
    weights, masks, x, y = draw(name)
    loss, accuracy = oracles.loss(name, weights | masks, x, y)
    grads = {}
    for key in weights.keys() - set(models.MODELS[name].statistics):
        value = weights[key]

        def f():
            return oracles.loss(name, weights | masks, x, y)[0]

        grads[key] = finite_differences(f, value)
    return loss, accuracy, grads


def make_network(name, weights, loop, dtype, backend):
    shared = networks.share({key: value.astype(dtype) for key, value in weights.items()})
    return networks.Network(models.MODELS[name], SIZES, shared, loop_named(loop), backend)


def step(name, loop, dtype, backend):
    """Take one step of SGD; gives loss, accuracy and the weights after it."""
    weights, masks, x, y = draw(name)
    network = make_network(name, weights, loop, dtype, backend)
    carried = network.carried_states(B) if recipe_for(name).windows == "streams" else None
    train = network.compile_train(time=len(x), batch=B, carried=carried)
    noise = [mask.astype(dtype) for mask in masks.values()]
    loss, accuracy = train(x, y, np.asarray(RATE, dtype), *noise)
    return loss, accuracy, {key: w.get_value() for key, w in network.weights.items()}


def check(name, loop, dtype, backend):
    loss, accuracy, after = step(name, loop, dtype, backend)
    wanted_loss, wanted_accuracy, grads = expected(name)
    np.testing.assert_allclose(loss, wanted_loss, **CLOSE[dtype])
    np.testing.assert_allclose(accuracy, wanted_accuracy, rtol=1e-6)
    weights = draw(name)[0]
    for key, grad in grads.items():
        assert after[key].dtype == dtype
        close = CLOSE["float32"] if dtype == "float32" else {"rtol": 1e-6, "atol": 1e-8}
        np.testing.assert_allclose(after[key], weights[key] - RATE * grad, err_msg=key, **close)
    return loss, after


LOOPED = [name for name in models.MODELS if name not in ("three_char", "eight_char")]


@pytest.mark.parametrize("name", models.MODELS)
def test_a_step_is_the_equations_and_loops_agree(name):
    """One C function: scan against the oracle, the other loops against scan."""
    results = {}
    for dtype in ("float64", "float32"):
        results["scan", dtype] = check(name, "scan", dtype, "native")
    if models.MODELS[name].by_hand:
        return
    others = [("unrolled", "float64")]
    others += [("2", "float64")] if name in ("rnn", "gru", "stateful_lstm") else []
    others += [("unrolled", "float32")] if name in ("theano_rnn", "gru") else []
    for loop, dtype in others if name in LOOPED else []:
        loss, _, after = step(name, loop, dtype, "native")
        scan_loss, scan_after = results["scan", dtype]
        np.testing.assert_allclose(loss, scan_loss, **CLOSE[dtype])
        for key, value in scan_after.items():
            np.testing.assert_allclose(after[key], value, err_msg=(key, loop), **CLOSE[dtype])


@pytest.mark.parametrize("name", ["three_char", "gru", "stateful_lstm"])
def test_a_step_in_python(name):
    check(name, "scan", "float64", "python")


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_what_is_trained_by_hand_is_its_graph(rng, kind):
    """The same weights give the same loss by NumPy and by the compiled graph."""
    name = "reference" if kind == "rnn" else f"reference_{kind}"
    weights, _, x, y = draw(name)
    network = make_network(name, weights, "scan", "float64", "native")
    loss, accuracy = network.compile_evaluate(time=len(x), batch=B)(x, y)
    step = network.compile_step()
    states = [np.zeros((1, 5)) for _ in network.model.state_widths(SIZES)]
    logits = []
    for t in range(len(x)):
        z, *states = step(x[t : t + 1, :1], *states)
        logits.append(z[0])
    np.testing.assert_allclose(logits, oracles.LOGITS[name](weights, x[:, :1]), rtol=1e-10)
    wanted = oracles.loss(name, weights, x, y)
    np.testing.assert_allclose((loss, accuracy), (wanted[0] / len(x), wanted[1]), rtol=1e-10)


def test_both_forms_of_the_theano_gru_are_one_network(rng):
    """Separate weights, joined, give the fused form's loss."""
    weights, _, x, y = draw("theano_gru")
    joined = {
        "W_x": np.concatenate([weights[f"W_x{gate}"] for gate in "run"], axis=1),
        "W_h": np.concatenate([weights[f"W_h{gate}"] for gate in "run"], axis=1),
        "b": np.concatenate([weights[f"b_{gate}"] for gate in "run"]),
        **{key: weights[key] for key in ("W_hy", "b_y")},
    }
    losses = [
        make_network(name, given, "unrolled", "float64", "native").compile_evaluate(
            time=4, batch=B
        )(x, y)
        for name, given in (("theano_gru", weights), ("theano_gru_fused", joined))
    ]
    np.testing.assert_allclose(*losses, rtol=1e-12)


def test_a_carried_state_goes_on_where_it_was(rng):
    """Two calls in a row are one call of twice the length."""
    weights, _, x, y = draw("stateful_lstm")
    network = make_network("stateful_lstm", weights, "scan", "float64", "python")
    carried = network.carried_states(B)
    evaluate = network.compile_evaluate(time=2, batch=B, carried=carried)
    halves = [evaluate(x[k : k + 2], y[k : k + 2])[0] for k in (0, 2)]
    whole = network.compile_evaluate(time=4, batch=B)(x, y)[0]
    np.testing.assert_allclose(np.mean(halves), whole, rtol=1e-12)
    assert all(state.get_value().any() for state in carried.values())


def test_running_statistics_follow_the_batch():
    weights, _, x, _ = draw("stateful_lstm")
    after = step("stateful_lstm", "unrolled", "float64", "python")[2]
    e = weights["E"][x]
    np.testing.assert_allclose(after["mean"], 0.01 * e.mean(axis=(0, 1)))
    np.testing.assert_allclose(after["variance"], 0.99 + 0.01 * e.var(axis=(0, 1)))
