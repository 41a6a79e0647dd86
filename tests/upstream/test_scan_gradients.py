"""Gradients of loops of every order, cut ones and those up to a condition, by differences."""

from graphrnn.errors import UserError
from graphrnn.graph import loops
from graphrnn.graph.shapes import tensor
from tests.upstream.scan_ways import (
    STEPPED,
    WAYS,
    ZERO,
    X,
    as_written,
    close,
    differences,
    in_python,
    in_stock,
    natively,
)

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.gradient import NullTypeGradError
from aesara.graph.basic import ancestors
from aesara.scan.op import Scan
from aesara.scan.utils import until


def powers(order):
    """Compute a derivative of ((x^2)^2 …)^2, a power of 16."""

    def graph():
        x = tensor("x", "float64", ())
        y, _ = aesara.scan(lambda y: y**2, outputs_info=[x], n_steps=4)
        result = y[-1]
        for _ in range(order):
            result = aesara.grad(result, x)
        return [x], [result], []

    return graph


@pytest.mark.parametrize(
    ("way", "order"), [(w, 2) for w in WAYS] + [(as_written, 3), (natively, 3)]
)
def test_high_derivatives_of_a_power(way, order):
    (got,) = way(powers(order))(0.95)
    close(got, np.prod([16, 15, 14][:order]) * 0.95 ** (16 - order))


def tanh_sums(w, x, taps):
    """Sum the squares of h_t = tanh(x_t + w h_{t - k}), h zero at first, k the last of taps."""
    h = [0.0] * max(taps)
    for x_t in x:
        h.append(np.tanh(x_t + sum(w * h[-k] / k for k in taps)))
    return sum(v**2 for v in h)


@pytest.mark.parametrize(
    ("way", "taps"),
    [
        *((way, taps) for way in (as_written, natively) for taps in ((1,), (1, 2), (3,))),
        # What is stepped in Python is rewritten alike in both ways, for seconds each.
        (in_python, (1, 2)),
        (in_stock, (1,)),
        (in_stock, (3,)),
    ],
)
def test_gradients_of_gradients(way, taps):
    def graph():
        w, x = tensor("w", "float64", ()), tensor("x", "float64", (4,))
        first = at.zeros(max(taps), dtype="float64") if taps != (1,) else ZERO
        h, _ = aesara.scan(
            lambda x_t, *rest: at.tanh(
                x_t + sum(rest[-1] * h / k for h, k in zip(rest, taps, strict=False))
            ),
            sequences=[x],
            outputs_info=[{"initial": first, "taps": [-k for k in taps]}],
            non_sequences=[w],
        )
        slope = aesara.grad((h**2).sum(), w)
        return [w, x], [slope, *aesara.grad(slope, [w, x])], []

    slope, dw, dx = way(graph)(0.7, X)

    def slope_of(w, x):
        return differences(lambda v: tanh_sums(float(v), x, taps), w, 1e-5)

    close(slope, slope_of(0.7, X))
    close(dw, differences(lambda v: slope_of(float(v), X), 0.7, 1e-4), 1e-4)
    close(dx, differences(lambda v: slope_of(0.7, v), X, 1e-4), 1e-4)


def test_the_loop_of_a_gradient_of_one_state_keeps_its_form():
    """What every network trains by is Aesara's own: one loop, adding in place."""
    w, x = tensor("w", "float64", ()), tensor("x", "float64", (4,))
    h = loops.scanned(lambda x_t, h, w: at.tanh(x_t + w * h), [x], [ZERO], [w])[0]
    gradient = aesara.grad((h**2).sum(), w)
    result = {v.owner for v in ancestors([gradient]) if v.owner}
    (node,) = [n for n in result if isinstance(n.op, Scan) and n.op.info.n_mit_mot]
    assert node.op.info.mit_mot_in_slices == ((0, 1),)


def climbing(x, a0, a):
    """Give the sums of a_t = a a_{t-1} + x_t until one is larger than 5."""
    values, state = [], a0
    for x_t in x:
        state = a * state + x_t
        values.append(state)
        if state > 5:
            break
    return np.array(values)


def climb():
    x, a0, a = (
        tensor("x", "float64", (12,)),
        tensor("a0", "float64", ()),
        tensor("a", "float64", ()),
    )
    y, _ = aesara.scan(lambda x_t, y, a: (a * y + x_t, until(a * y + x_t > 5)), [x], [a0], [a])
    return [x, a0, a], aesara.grad((y**2).sum(), [x, a0, a]), []


@pytest.mark.parametrize("way", STEPPED)
def test_the_gradient_of_a_loop_that_ends_at_a_condition(way):
    x = np.linspace(0.4, 0.9, 12)
    assert 1 < len(climbing(x, 0.2, 1.3)) < 12
    dx, da0, da = way(climb)(x, 0.2, 1.3)
    close(dx, differences(lambda v: (climbing(v, 0.2, 1.3) ** 2).sum(), x), 1e-6)
    close(da0, differences(lambda v: (climbing(x, v, 1.3) ** 2).sum(), 0.2), 1e-6)
    close(da, differences(lambda v: (climbing(x, 0.2, v) ** 2).sum(), 1.3), 1e-6)


def test_native_refuses_what_ends_at_a_condition():
    with pytest.raises(UserError, match="known only at run time"):
        natively(climb)


@pytest.mark.parametrize("way", [as_written, natively, in_stock])
def test_a_cut_gradient_of_a_cut_gradient(way):
    """The last two steps have a gradient; the state before them does not change."""

    def graph():
        w, x = tensor("w", "float64", ()), tensor("x", "float64", (4,))
        h, _ = aesara.scan(
            lambda x_t, h, w: at.tanh(x_t + w * h), [x], [ZERO], [w], truncate_gradient=2
        )
        slope = aesara.grad(h[-1] ** 2, w)
        return [w, x], [slope, aesara.grad(slope, w)], []

    before = np.tanh(X[1] + 0.7 * np.tanh(X[0]))

    def loss(w):
        return np.tanh(X[3] + w * np.tanh(X[2] + w * before)) ** 2

    slope, bend = way(graph)(0.7, X)
    close(slope, differences(loss, 0.7))
    close(bend, differences(lambda v: differences(loss, v, 1e-5), 0.7, 1e-4), 1e-4)


def test_a_cut_gradient_through_draws_is_refused():
    def graph():
        x = tensor("x", "float64", (4,))
        stream = at.random.utils.RandomStream(1)
        y, more = aesara.scan(
            lambda x_t, y: y * 0.5 + x_t + stream.normal(), [x], [ZERO], truncate_gradient=2
        )
        return [x], [aesara.grad(y[-1], x)], list(more.items())

    with pytest.raises(NotImplementedError, match="truncate_gradient=2 in a loop that draws"):
        in_python(graph)


@pytest.mark.parametrize("way", [as_written, natively])
def test_the_gradient_of_a_loop_that_collects_a_constant(way):
    def graph():
        h = tensor("h", "float64", (2,))
        half = at.constant(np.asarray(0.5))
        (s, c), _ = aesara.scan(lambda s: [s * s, half], outputs_info=[h, None], n_steps=2)
        return [h], [aesara.grad((s[-1] * c[0]).sum() + c.sum(), h)], []

    (slope,) = way(graph)(X[:2])
    close(slope, 2 * X[:2] ** 3)


def test_a_gradient_that_is_not_defined_in_a_loop_says_why():
    h = tensor("h", "float64", (3,))
    r, _ = aesara.scan(
        lambda a: [a * 1.5, at.prod(at.outer(a, a), axis=0)], outputs_info=[h, None], n_steps=2
    )
    slope = aesara.grad(r[1].sum(), h)
    with pytest.raises(NullTypeGradError, match=r"2nd derivatives of `product\(a\)`"):
        aesara.grad(slope.sum(), h)


@pytest.mark.parametrize("way", WAYS)
def test_the_gradient_of_a_loop_is_of_its_own_float(way):
    """Aesara gathers what flows through a loop in floatX, and so in 8 digits of float64's 16."""

    def graph():
        x, h = tensor("x", "float64", (4, 3)), tensor("h", "float64", (3,))
        (y,) = loops.by(2)(lambda x_t, h_tm1: at.tanh(x_t + h_tm1), [x], [h])
        return [x, h], [*aesara.grad(at.sum(y**2), [x, h])], []

    x = np.random.default_rng(0).standard_normal((4, 3))
    results = []
    for dtype in ("float32", "float64"):
        with aesara.config.change_flags(floatX=dtype):
            results.append(way(graph)(x, x[0]))
    for narrow, wide in zip(*results, strict=True):
        assert narrow.dtype == wide.dtype == "float64"
        np.testing.assert_allclose(narrow, wide, rtol=1e-14)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_cut_gradient_reaches_what_a_tap_of_the_last_steps_reads(way, steps):
    """Of the first values those count that the last step reads, and nothing made on the way."""

    def graph():
        h = tensor("h", "float64", (3,))
        s, _ = aesara.scan(
            lambda a, b: a * 2 + b * b,
            outputs_info=[{"initial": h, "taps": [-3, -1]}],
            n_steps=steps,
            truncate_gradient=1,
        )
        return [h], [aesara.grad(s[-1], h)], []

    def last(h):
        states = [*h]
        for _ in range(steps):
            states.append(states[-3] * 2 + states[-1] ** 2)
        return states

    h = np.array([0.3, -0.2, 0.5])
    (slope,) = way(graph)(h)
    wanted = np.zeros(3)
    if steps <= 3:
        wanted[steps - 1] = 2
    if steps == 1:
        wanted[2] += 2 * h[2]
    close(slope, wanted)
