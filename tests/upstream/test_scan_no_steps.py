"""A loop of no steps collects arrays of the right shape."""

from graphrnn.graph.shapes import tensor
from tests.upstream.scan_ways import STEPPED, in_stocks_c

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from aesara.link.vm import VMLinker


@pytest.mark.parametrize("way", [*STEPPED, in_stocks_c])
def test_what_a_loop_of_no_steps_collects_has_its_shape(way):
    def graph():
        h, n, k = tensor("h", "float64", (2, 3)), tensor("n", "int64", ()), tensor("k", "int64", ())
        results, _ = aesara.scan(
            lambda s, k: [s, s[0], at.dot(s, s.T), at.arange(k) + s[0, 0], s.sum()],
            outputs_info=[h, *[None] * 4], non_sequences=[k], n_steps=n,
        )  # fmt: skip
        return [h, n, k], results, []

    function = way(graph)
    for n in (0, 2, 0):
        got = function(np.ones((2, 3)), n, 4)
        assert [v.shape for v in got] == [(n, 2, 3), (n, 3), (n, 2, 2), (n, 4), (n,)]


def test_a_length_that_only_a_step_can_tell_is_refused():
    h, n = at.dvector("h"), at.lscalar("n")
    results, _ = aesara.scan(
        lambda s: [s, at.arange(at.cast(s[0], "int64"))], outputs_info=[h, None], n_steps=n
    )
    function = aesara.function([h, n], results, mode=Mode(VMLinker(use_cloop=False), None))
    assert function([3.0], 2)[1].shape == (2, 3)
    with pytest.raises(ValueError, match="0 steps, and how long the arrays are"):
        function([3.0], 0)


def test_sums_in_the_gradient_of_a_loop_of_no_steps():
    x, c = tensor("x", "float64", (0, 4)), tensor("c", "float64", ())
    y, _ = aesara.scan(lambda x_t, c: at.alloc(c, 5, 4) + x_t, sequences=[x], non_sequences=[c])
    g = at.grad(at.sum(y**2), c)
    h = at.grad(g, c)
    assert float(h.eval({x: np.ones((0, 4)), c: 2.0})) == 0
