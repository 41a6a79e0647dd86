"""Loops and states that are merged are equal; those that are not stay apart."""

from graphrnn.graph import loops
from graphrnn.graph.shapes import tensor
from tests.upstream.scan_ways import STEPPED, WAYS, ZERO, X, close, differences, in_python, natively

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.scan.op import Scan
from aesara.scan.utils import until


def leaky(x, z, a=0.0, b=0.0):
    """Sum what two leaky sums are at each moment."""
    seen = []
    for x_t, z_t in zip(x, z, strict=True):
        a, b = 0.9 * a + x_t, 0.5 * b + z_t
        seen.append(a + b)
    return np.array(seen)


@pytest.mark.parametrize("way", WAYS)
def test_two_time_scales_have_two_gradients(way):
    def graph():
        x, z = tensor("x", "float64", (4,)), tensor("z", "float64", (4,))

        def step(x_t, z_t, a, b):
            a, b = 0.9 * a + x_t, 0.5 * b + z_t
            return [a, b, a + b]

        seen = loops.scanned(step, [x, z], [ZERO, ZERO])[2]
        return [x, z], aesara.grad((seen**2).sum(), [x, z]), []

    z = np.ones(4)
    dx, dz = way(graph)(X, z)
    close(dx, differences(lambda v: (leaky(v, z) ** 2).sum(), X))
    close(dz, differences(lambda v: (leaky(X, v) ** 2).sum(), z))


def test_states_that_are_always_equal_are_one():
    def graph(factors):
        x = tensor("x", "float64", (4,))
        a, b, _ = loops.scanned(
            lambda x_t, a, b, c: [factors[0] * a + x_t, factors[1] * b + x_t, c * 0.1 + a * b],
            [x], [ZERO, ZERO, ZERO],
        )  # fmt: skip
        return [x], [a, b], []

    def states(factors):
        nodes = in_python(lambda: graph(factors)).maker.fgraph.apply_nodes
        return sum(node.op.info.n_sit_sot for node in nodes if isinstance(node.op, Scan))

    assert states([0.9, 0.9]) == 1
    assert states([0.9, 0.5]) == 2


@pytest.mark.parametrize("way", WAYS)
def test_equal_states_fed_by_unequal_ones_stay_apart(way):
    """Two pairs begin alike; a and b are told apart by what they read alone."""

    def graph():
        x = tensor("x", "float64", (4,))
        a, b, _, _ = loops.scanned(
            lambda x_t, a, b, c, d: [a + c, b + d, c + x_t, d - x_t], [x], [ZERO] * 4
        )
        return [x], [a, b], []

    a, b = way(graph)(X)
    wanted = np.cumsum(np.cumsum([0, *X[:-1]]))
    close(a, wanted)
    close(b, -wanted)


@pytest.mark.parametrize("way", STEPPED)
def test_loops_that_end_at_two_conditions_stay_two(way):
    def graph():
        x, z, c = (tensor(n, "float64", s) for n, s in (("x", (5,)), ("z", (5,)), ("c", ())))
        a, _ = aesara.scan(lambda p, q, c: (p + 1, until(q > c)), [x, z], non_sequences=[c])
        b, _ = aesara.scan(lambda p, q, c: (p - 1, until(q > c)), [x, -z], non_sequences=[c])
        return [x, z, c], [a, b], []

    a, b = way(graph)(np.zeros(5), np.arange(5.0), 0.0)
    close(a, np.ones(2))
    close(b, -np.ones(5))


def test_pairs_of_loops_that_wait_for_one_another():
    def graph():
        x = tensor("x", "float64", (3,))
        a, _ = aesara.scan(lambda p: 0.9 * p + 1, outputs_info=[x], n_steps=5)
        b, _ = aesara.scan(lambda p: 0.8 * p + 0.5, outputs_info=[x], n_steps=4)
        after_b = at.stack([x, *(b[k] for k in range(4))])
        c, _ = aesara.scan(lambda s, p: 0.5 * p + s, [after_b], [at.zeros(3)], n_steps=5)
        d, _ = aesara.scan(lambda s, p: 0.5 * p + s, [a[:-1]], [at.zeros(3)], n_steps=4)
        return [x], [c[-1] + d[-1]], []

    x = np.array([1.0, 2.0, 3.0])
    a, b = [x], [x]
    for _ in range(4):
        a.append(0.9 * a[-1] + 1)
        b.append(0.8 * b[-1] + 0.5)
    wanted = sum(0.5 ** (4 - k) * v for k, v in enumerate(b))
    wanted = wanted + sum(0.5 ** (3 - k) * v for k, v in enumerate(a[1:]))
    for way in (in_python, natively):
        close(way(graph)(x)[0], wanted)
