"""Work that leaves a loop has the value that it had inside."""

from graphrnn.graph.shapes import tensor
from tests.upstream.scan_ways import STEPPED, WAYS, ZERO, X, close

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.scan.utils import until


@pytest.mark.parametrize("cut", [1, 2, 4, 5])
@pytest.mark.parametrize("way", WAYS)
def test_a_cut_gradient_of_the_same_value(way, cut):
    def graph():
        x = tensor("x", "float64", (4, 3))
        y, _ = aesara.scan(lambda v: v, [x], truncate_gradient=cut)
        return [x], [aesara.grad((y**2).sum(), x)], []

    x = np.arange(12.0).reshape(4, 3)
    wanted = 2 * x
    wanted[: max(0, 4 - cut)] = 0
    close(way(graph)(x)[0], wanted)


@pytest.mark.parametrize("way", WAYS)
def test_a_state_that_is_a_constant_of_the_loop(way):
    def graph():
        k = tensor("k", "float64", (3,))
        y, _ = aesara.scan(lambda s: k[0], outputs_info=[ZERO], n_steps=4)
        (a, b, c), _ = aesara.scan(
            lambda s, t2, t1: [k[0], k[1] * 2, k[2] * 3],
            outputs_info=[ZERO, {"initial": at.zeros(2), "taps": [-2, -1]}, None],
            n_steps=4,
        )
        return [k], [y, a, b, c], []

    for got, wanted in zip(way(graph)(np.array([5.0, 1.0, 2.0])), (5, 5, 2, 6), strict=True):
        close(got, np.full(4, wanted))


@pytest.mark.parametrize("way", STEPPED)
def test_a_constant_until_a_condition(way):
    def graph():
        k = tensor("k", "float64", (3,))
        y, _ = aesara.scan(lambda k: (k[0] * 2, until(k[1] > 0)), non_sequences=[k], n_steps=4)
        return [k], [y], []

    close(way(graph)(np.array([5.0, 1.0, 2.0]))[0], [10.0])


@pytest.mark.parametrize("way", WAYS)
def test_states_of_unequal_taps_without_a_recurrence(way):
    def graph():
        x = tensor("x", "float64", (4,))
        many, _ = aesara.scan(
            lambda v, a2, a1, b3, b1: [v * 2, v + 1], [x],
            [{"initial": at.zeros(2), "taps": [-2, -1]}, {"initial": at.ones(3), "taps": [-3, -1]}],
        )  # fmt: skip
        single, _ = aesara.scan(
            lambda v, a, b: [v * 2, v + 1], [x],
            [{"initial": at.zeros(2), "taps": [-2]}, {"initial": at.ones(3), "taps": [-3]}],
        )  # fmt: skip
        return [x], [*many, *single], []

    for got, wanted in zip(way(graph)(X), [2 * X, X + 1] * 2, strict=True):
        close(got, wanted)


@pytest.mark.parametrize("way", WAYS)
def test_a_running_total_that_is_an_output_too(way):
    def graph():
        x = tensor("x", "float64", (4, 3))
        (a, b), _ = aesara.scan(lambda v, s: [s + v.sum(), s + v.sum()], [x], [ZERO, None])
        same, _ = aesara.scan(lambda v, s: [new := s + v.sum(), new], [x], [ZERO, None])
        return [x], [a[-1], b, same[0][-1], same[1]], []

    x = np.arange(12.0).reshape(4, 3)
    total = np.cumsum(x.sum(axis=1))
    for got, wanted in zip(way(graph)(x), [total[-1], total] * 2, strict=True):
        close(got, wanted)
