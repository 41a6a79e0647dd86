"""Aesara's own operations refuse, while the graph is built, what NumPy refuses when it runs."""

from graphrnn.errors import ShapeError
from graphrnn.graph.shapes import tensor

import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.basic import graph_inputs
from aesara.tensor.blas import BatchedDot


def arrays():
    rng = np.random.default_rng(0)
    shapes = {"x": (2, 3), "W": (4, 5), "b": (4,), "v": (3,), "cube": (2, 3, 4)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def symbols():
    return {name: tensor(name, "float64", value.shape) for name, value in arrays().items()}


def set_part(m, x, part, value):
    """Set a part of an array, by Aesara or NumPy."""
    if m is at:
        return at.set_subtensor(x[part], value)
    x = x.copy()
    x[part] = value
    return x


CASES = {
    "product": (r"dot: got x \(2, 3\), W \(4, 5\)", lambda m, x, W, **_: m.dot(x, W)),
    "product with a vector": ("equal k", lambda m, x, b, **_: m.dot(x, b)),
    "product of vectors": ("equal k", lambda m, v, b, **_: m.dot(v, b)),
    "product of a piece": (r"index of v \(2,\), v", lambda m, v, **_: m.dot(v[1:], v)),
    "matmul": ("matmul: got x", lambda m, x, W, **_: m.matmul(x, W)),
    "broadcast": (r"add: got x \(2, 3\), b \(4,\); needed equal", lambda m, x, b, **_: x + b),
    "behind a slice": (r"mul: got tanh \(1, 3\)", lambda m, x, b, **_: m.tanh(x[1:]) * b),
    "behind a reshape": ("needed equal", lambda m, W, x, **_: W.reshape((10, 2)) + x.T),
    "maximum": ("maximum: got x", lambda m, x, b, **_: m.maximum(x, b)),
    "reshape": ("reshape: got x .*needed 6 elements", lambda m, x, **_: x.reshape((4, 2))),
    "reshape with a rest": ("6 elements", lambda m, x, **_: x.reshape((-1, 4))),
    "join": (r"join: got x \(2, 3\), W", lambda m, x, W, **_: m.concatenate([x, W])),
    "join beside": ("but 1", lambda m, x, W, **_: m.concatenate([x, W], axis=1)),
    "stack": ("join: got", lambda m, v, b, **_: m.stack([v, b])),
    "position": ("index: got x .*from -2 to 1, not 5", lambda m, x, **_: x[5]),
    "negative position": ("not -3", lambda m, x, **_: x[-3]),
    "position on a second axis": ("from -3 to 2, not 3", lambda m, x, **_: x[:, 3]),
    "positions": ("not 7", lambda m, x, **_: x[[0, 7]]),
    "positions on two axes": ("not 3", lambda m, x, **_: x[[0, 1], [0, 3]]),
    "position behind a slice": ("from -1 to 0", lambda m, cube, **_: cube[1:][1]),
    "set": (r"set_subtensor: .*needed a value", lambda m, x, b, **_: set_part(m, x, 0, b)),
    "set a slice": (r"to \(1, 3\)", lambda m, x, W, **_: set_part(m, x, slice(1), W[:1])),
}


@pytest.mark.parametrize("name", CASES)
def test_a_misfit_is_an_error_while_the_graph_is_built(name):
    message, compute = CASES[name]
    with pytest.raises((ValueError, IndexError)):
        compute(np, **arrays())
    with pytest.raises(ShapeError, match=message) as raised:
        compute(at, **symbols())
    assert "(test_checks.py:" in str(raised.value)
    assert "\n" not in str(raised.value)


FITTING = {
    "product": lambda x, v, **_: at.dot(x, v),
    "product with more axes": lambda cube, b, **_: at.dot(cube, b),
    "broadcast": lambda x, v, **_: x * v + x[:, :1] + x[0],
    "scalars": lambda x, **_: x[0, 0] + x,
    "slices beyond the end": lambda x, **_: x[1:9] + x[-9:1],
    "empty": lambda x, v, **_: at.concatenate([x[:0], v[None]]),
    "reshape": lambda x, **_: x.reshape((3, -1)) + x.reshape((3, 2)),
    "reshape nothing": lambda x, **_: x[:0].reshape((0, 5)),
    "positions from the end": lambda x, **_: x[-2, :2] + x[[-1, 0], [-3, 2]],
    "masks": lambda x, **_: x[x > 9],
    "set": lambda x, v, **_: at.set_subtensor(x[:, 1:], v[1:]),
    "set a number": lambda x, **_: at.inc_subtensor(x[0, 1], 2.0),
    "split": lambda x, **_: at.concatenate(at.split(x, [1, 2], 2, axis=1), axis=1),
}


@pytest.mark.parametrize("name", FITTING)
def test_what_fits_is_built_and_runs(name):
    variables = symbols()
    graph = FITTING[name](**variables)
    read = set(graph_inputs([graph]))
    graph.eval({v: arrays()[k] for k, v in variables.items() if v in read})


def test_what_only_some_operations_refuse():
    x, cube = tensor("x", "float32", (2, 3)), tensor("cube", "float32", (2, 3, 4))
    with pytest.raises(ShapeError, match=r"split: .*pieces of 3 in all, not 2"):
        at.split(x, [1, 1], 2, axis=1)
    with pytest.raises(ShapeError, match=r"specify_shape: got x .*the length 4 on axis 1"):
        at.specify_shape(x, (2, 4))
    with pytest.raises(ShapeError, match=r"\(b, m, k\) and \(b, k, n\)"):
        BatchedDot()(cube, cube)
    with pytest.raises(ShapeError, match=r"alloc: got x .*repeated to \(2, 4\)"):
        at.alloc(x, 2, 4)
    with pytest.raises(ShapeError, match=r"switch: got gt of x .*, cube"):
        at.switch(x > 0, cube, 0)
    with pytest.raises(ShapeError, match="a step other than 0"):
        x[::0]
    with pytest.raises(ShapeError, match="lengths of 0 or more"):
        x.reshape((-2, 3))


def test_unknown_lengths_fit_everything_but_known_ones_beside_them_count():
    x, y = at.matrix("x"), tensor("y", "float32", (2, 3))
    assert (x + y).ndim == 2
    assert at.dot(x, y).ndim == 2
    n = tensor("n", "int64", ())
    with pytest.raises(ShapeError, match=r"alloc of n \(\?, 4\), y \(2, 3\)"):
        at.zeros((n, 4)) + y
