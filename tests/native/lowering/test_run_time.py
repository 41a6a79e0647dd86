"""Which inputs decide a length that is known only when a function runs."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.lowering.run_time import RunTimeNumber, leaves

import aesara.tensor as at

X, N, K = at.dmatrix("x"), at.iscalar("n"), tensor("k", "int64", (2,))


def test_values_decide_and_shapes_do_not():
    assert leaves(N * 2 + K[0]) in ([N, K], [K, N])
    assert leaves(X.shape[0] + 3) == []
    assert leaves(at.cast(X[0, 0], "int64")) == [X]
    assert leaves(at.constant(3)) == []


def test_outside_of_a_loop_other_variables_stand_for_them():
    inner = at.iscalar("inner")
    outside = RunTimeNumber("too long", inner + 1).outside({inner: N * 2})
    assert isinstance(outside, RunTimeNumber)
    assert outside.leaves == [N]
    assert str(outside) == "too long"
    moving = RunTimeNumber("too long", inner + 1).outside({})
    assert type(moving) is Unsupported
