from graphrnn import cells
from graphrnn.errors import ShapeError
from graphrnn.shapes import tensor
from tests.helpers import TOLERANCE, evaluate

import numpy as np
import pytest

SHAPES = {"x_t": (3, 5), "h_tm1": (3, 4), "W_xh": (5, 4), "W_hh": (4, 4), "b_h": (4,)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3])
def test_rnn_is_its_equation(rng, dtype, batch):
    shapes = SHAPES | {"x_t": (batch, 5), "h_tm1": (batch, 4)}
    a = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    (h_t,) = evaluate(cells.rnn, a)
    expected = np.maximum(a["x_t"] @ a["W_xh"] + a["h_tm1"] @ a["W_hh"] + a["b_h"], 0)
    assert h_t.dtype == dtype
    assert h_t.shape == (batch, 4)
    np.testing.assert_allclose(h_t, expected, rtol=TOLERANCE[dtype], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W_xh", (6, 4), r"W_xh: got shape \(6, 4\), needed \(in, hidden\) with in = 5 as in x_t"),
        ("W_hh", (4, 5), "W_hh: got shape .4, 5., needed .hidden, hidden. with hidden = 4"),
        ("b_h", (5,), "b_h: got shape .5,., needed .hidden. with hidden = 4 as in h_tm1"),
        ("h_tm1", (2, 4), "h_tm1: got shape .2, 4., needed .batch, hidden. with batch = 3"),
        ("x_t", (3, 1, 5), "x_t: got 3 axes"),
    ],
)
def test_a_misfit_is_named_before_compiling(name, shape, message):
    inputs = [tensor(n, "float32", s) for n, s in (SHAPES | {name: shape}).items()]
    with pytest.raises(ShapeError, match=message):
        cells.rnn(*inputs)
