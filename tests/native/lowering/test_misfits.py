"""What does not fit is refused in words while the function is made; stock finds it in a call."""

from graphrnn.errors import ShapeError
from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import native_mode
from graphrnn.native.lowering.lowering import Lowering
from graphrnn.symbolic.wording import Misfit
from tests.native_helpers import PYTHON, build, native

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.ifelse import ifelse


def by_name(*shapes, dtype="float64"):
    return [tensor(name, dtype, shape) for name, shape in zip("xyz", shapes, strict=False)]


def refusal(inputs, outputs):
    """Give the one line with which a graph is refused, in the mode that would fall back as well."""
    with pytest.raises(ShapeError) as caught, aesara.config.change_flags(cxx=""):
        aesara.function(inputs, outputs, mode=native_mode(), on_unused_input="ignore")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ── two arrays that are combined ──

SHAPES = [(2, 3), (2, 1), (1, 3), (1, 1), (3, 2), (0, 3), (2, 0)]
COMBINED = {
    "join 0": lambda x, y: at.join(0, x, y),
    "join 1": lambda x, y: at.join(1, x, y),
    "join -1": lambda x, y: at.join(-1, x, y),
    "join -2": lambda x, y: at.join(-2, x, y),
    "stack 0": lambda x, y: at.stack([x, y]),
    "stack -1": lambda x, y: at.stack([x, y], axis=-1),
    "largest of a stack": lambda x, y: at.stack([x, y]).max(axis=0),
    "add": lambda x, y: x + y,
    "switch": lambda x, y: at.switch(x > 0, x, y),
    "dot": at.dot,
    "matmul": at.matmul,
    "tensordot": lambda x, y: at.tensordot(x, y, axes=[[0], [0]]),
    "batched dot": at.batched_dot,
    "set": lambda x, y: at.set_subtensor(x[:1], y),
    "set in zeros": lambda x, y: at.set_subtensor(at.zeros_like(x)[:, :1], y),
    "add to": lambda x, y: at.inc_subtensor(x[::-1], y),
    "set rows": lambda x, y: at.set_subtensor(x[[0, 0]], y),
    "add to columns": lambda x, y: at.inc_subtensor(x[:, [0, 0]], y),
    "add to elements": lambda x, y: at.inc_subtensor(x[[0, 0], [0, 0]], y[:, 0]),
    "joined in a loop": lambda x, y: aesara.scan(
        lambda row, other: at.stack([row, other]), [x], None, [y[0]]
    )[0],
}


@pytest.mark.parametrize("name", COMBINED)
@pytest.mark.parametrize("static", [True, False])
def test_whatever_stock_refuses_is_refused(name, static):
    """Shapes that stock takes are left to other tests: they need a compiler."""
    refused = 0
    for shapes in [(left, right) for left in SHAPES for right in SHAPES]:
        values = [np.ones(shape) for shape in shapes]
        shared = [aesara.shared(value, name) for value, name in zip(values, "xy", strict=True)]
        given = by_name(*shapes) if static else shared
        inputs = given if static else []
        try:
            output = COMBINED[name](*given)
        except Exception:
            continue
        try:
            build(inputs, output, PYTHON)(*(values if static else ()))
        except IndexError:  # of an index, not of a length: it is checked in a call
            continue
        except Exception:
            refused += 1
            assert "got " in refusal(inputs, output)
    assert refused or static


def test_the_line_names_variables_shapes_and_source():
    x, y = by_name((2, 3), (2, 1))
    line = refusal([x, y], at.join(0, x, y))
    assert line.startswith("join: got x (2, 3), y (2, 1); needed equal lengths on every axis but 0")
    assert line.endswith(".py:" + line.rpartition(":")[2])
    assert "test_misfits.py" in line
    assert "dimshuffle of y (1, 2, 1)" in refusal([x, y], at.stack([x, y]))
    assert "a constant (4, 3), y (2, 1); " in refusal([x, y], at.join(0, np.zeros((4, 3)), y))
    x, y = aesara.shared(np.ones((2, 3)), "x"), aesara.shared(np.ones((2, 4)), "y")
    assert "got x (2, 3), y (2, 4); needed " in refusal([], x + y)
    assert "got x (2, 3), y (2, 4); needed " in refusal([], at.dot(x, y))


def test_views_of_unequal_shapes_are_never_walked_together():
    low = Lowering()
    left, right = low.temporary("float64", (2, 3)), low.temporary("float64", (2, 2))
    with pytest.raises(Misfit, match="one shape"):
        low.copy(left, right)


def test_a_branch_that_may_not_be_taken_is_left_to_stock():
    x, y = aesara.shared(np.ones((2, 3)), "x"), aesara.shared(np.ones((2, 4)), "y")
    c = at.scalar("c")
    chosen = ifelse(at.gt(c, 0), (x + y).sum(), x.sum())
    with pytest.raises(Unsupported, match="got x"):
        native([c], chosen)
    said = []
    f = build([c], chosen, native_mode(say=said.append))
    assert len(said) == 1
    assert f(np.float64(-1)) == 6
    with pytest.raises(ValueError, match="broadcast|mismatch|match"):
        f(np.float64(1))


def test_an_index_is_checked_where_there_is_nothing_to_select():
    i = tensor("i", "int64", (2,))
    for shape in ((0, 3), (3, 0)):
        (x,) = by_name(shape)
        for selected in (x[i], at.set_subtensor(x[i], 1), at.inc_subtensor(x[i], 1)):
            with pytest.raises(IndexError, match=r"x\[i\]: index 3 is outside of axis 0"):
                native([x, i], selected)(np.zeros(shape), np.array([3, 0]))
    x, y = by_name((0, 3), (1, 3, 0))
    assert "needed no index into an axis of length 0" in refusal([x, i], x[i, i])
    with pytest.raises(IndexError, match="index 3 is outside of axis 1"):
        native([y, i], y[[[0, 0]], i])(np.zeros((1, 3, 0)), np.array([0, 3]))


def test_a_loop_of_no_steps_stores_nothing():
    x, y = (aesara.shared(np.zeros(shape)) for shape in ((0, 3), (2, 1)))
    states, _ = aesara.scan(lambda row, state: at.tanh(row), [x], [y[0]])
    assert native([], states)().shape[0] == 0


def test_a_loop_of_no_steps_is_left_to_stock():
    x, y = by_name((0, 3), (4,))
    rows, _ = aesara.scan(lambda row, w: at.dot(row, w), [x], None, [y])
    with pytest.raises(Unsupported, match="got "):
        native([x, y], rows)


# ── lengths ──


LENGTHS = {
    "alloc": lambda v, n: at.alloc(v[0], n),
    "alloc of zeros": lambda v, n: at.zeros((2, n)) + v[0],
    "alloc of another length": lambda v, n: at.alloc(v, n),
    "repeat": at.repeat,
    "sum of repeat": lambda v, n: at.repeat(v, n).sum(),
    "broadcast_to": lambda v, n: at.broadcast_to(v, (n, 3)),
    "broadcast_to another length": lambda v, n: at.broadcast_to(v, (2, n)),
    "tile": at.tile,
    "split": lambda v, n: at.split(v, [n, 2], 2)[0].sum(),
    "split that fits": lambda v, n: at.split(v, [n, 3 - n], 2)[1],
    "split in two": lambda v, n: at.split(v, [n, 1, 1], 2)[0],
    "reshape": lambda v, n: at.reshape(v, (n,)),
    "reshape by two": lambda v, n: at.reshape(v, (n, -3)),
    "reshape by two unknowns": lambda v, n: at.reshape(v, (n, -1)),
    "reshape of nothing": lambda v, n: at.reshape(v[:0], (n, -1)),
    "specify_shape": lambda v, n: at.specify_shape(v, (at.as_tensor(n) + 0,)).sum(),
    "eye": lambda v, n: at.eye(n) * v[0],
    "arange by steps": lambda v, n: at.arange(0, 5, n) * v[0],
    "n_steps": lambda v, n: aesara.scan(lambda h: h * 2, outputs_info=[v], n_steps=n)[0],
    "n_steps over a sequence": lambda v, n: aesara.scan(lambda x: x * 2, [v], n_steps=n)[0],
    "index": lambda v, n: v[n],
    "index of what is set": lambda v, n: at.set_subtensor(v[n], 0.0),
    "max": lambda v, n: at.max(v[n:]),
    "argmax": lambda v, n: at.argmax(v[n:]),
}


def test_lengths_of_a_new_shape_are_no_less_than_minus_one():
    x = aesara.shared(np.ones((2, 3)), "x")
    for lengths in ((-2, 3), (2, -3), (-2, -3)):
        assert "needed lengths" in refusal([], at.reshape(x, lengths))


@pytest.mark.parametrize("name", LENGTHS)
def test_whatever_length_stock_refuses_is_refused(name):
    tried, refused = 0, 0
    for n in (-4, -3, -2, -1, 0, 2, 3, 4):
        v = tensor("v", "float64", (3,))
        try:
            output = LENGTHS[name](v, n)
        except Exception:
            continue
        tried += 1
        try:
            build([v], output, PYTHON)(np.ones(3))
        except Exception:
            refused += 1
            assert "got " in refusal([v], output)
    assert not tried or refused


def test_a_length_that_an_input_has_is_checked_in_each_call():
    x, n = tensor("x", "float64", (3,)), at.lscalar("n")
    rows = tensor("rows", "float64", (2, 3))
    stepped, _ = aesara.scan(lambda row, n: at.specify_shape(row, (n,)) * 2, [rows], None, [n])
    f = native([x, rows, n], [at.specify_shape(x, (n,)).sum(), stepped])
    total, doubled = f(np.ones(3), np.ones((2, 3)), 3)
    assert total == 3
    assert doubled.tolist() == [[2, 2, 2], [2, 2, 2]]
    for wrong in (4, 0, -3, 3 + 2**32):
        with pytest.raises(
            ShapeError, match=r"specify_shape: got .*\(3,\).*; needed the length"
        ) as e:
            f(np.ones(3), np.ones((2, 3)), wrong)
        assert "n tells on axis 0 (test_misfits.py:" in str(e.value)


def test_scans_are_given_sequences_and_states_that_are_long_enough():
    x, y = by_name((3,), (2,))
    for begin, taps in ((y[:1], [-2, -1]), (y, [-3]), (y, [-4, -1])):
        result, _ = aesara.scan(
            lambda v, *states: v + sum(states), [x], [{"initial": begin, "taps": taps}]
        )
        assert "an initial state of " in refusal([x, y], result)
    result_of, _ = aesara.scan(lambda a, b: a * b, [x, y], n_steps=3)
    assert "a sequence of 2 for 3 steps" in refusal([x, y], result_of)
