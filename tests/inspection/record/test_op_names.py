"""Names of ops are the common ones, and their settings read like arguments."""

from graphrnn.inspection.record import op_names

import aesara.scalar as aes
import aesara.tensor as at
import numpy as np
import pytest
from aesara.tensor.subtensor import IncSubtensor

X = at.TensorType("float64", (4, 1, 3))("x")


@pytest.mark.parametrize(
    ("op", "name"),
    [
        (aes.true_divide, "divide"),
        (aes.floor_divide, "floor_divide"),
        (aes.square, "square"),
        (aes.second, "fill"),
        (aes.neq, "neq"),
        (aes.Cast(aes.int8), "cast_int8"),
        (aes.sigmoid, "sigmoid"),
        (aes.Composite([x := aes.float64()], [aes.exp(x) + x]), "fused"),
    ],
)
def test_a_scalar_op_has_the_name_that_numpy_and_its_kin_use(op, name):
    assert op_names.scalar_name(op) == name


@pytest.mark.parametrize(
    ("name", "snake"),
    [("StructuredDotCSC", "structured_dot_csc"), ("HTTPServer2", "http_server2"), ("<>", "op")],
)
def test_class_names_become_snake_case(name, snake):
    assert op_names.snake(name) == snake


@pytest.mark.parametrize(
    ("output", "name", "setting"),
    [
        (X.dimshuffle(2, 1, 0), "transpose", "axes=[2, 1, 0]"),
        (X.dimshuffle(0, 2), "squeeze", "axis=1"),
        (X.dimshuffle("x", 0, 1, 2), "expand_dims", "axes=[new, 0, 1, 2]"),
        (X.dimshuffle(2, 0), "transpose", "axes=[2, 0]"),
    ],
)
def test_a_change_of_axes_is_named_after_what_it_does(output, name, setting):
    assert op_names.dimshuffle_name(output.owner.op) == name
    assert op_names.dimshuffle_setting(output.owner.op) == setting


@pytest.mark.parametrize(
    ("output", "setting"),
    [(X.sum(axis=0), "axis=0"), (X.sum(axis=(0, 2)), "axis=[0, 2]"), (X.sum(), ""), (X + 1, "")],
)
def test_an_axis_is_written_as_one_number_or_a_list(output, setting):
    assert op_names.axis_setting(output.owner.op) == setting


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (X[0], "[0]"),
        (X[1:, 0], "[1:, 0]"),
        (X[::2], "[::2]"),
        (X[: at.lscalar("n")], "[:n]"),
        (at.set_subtensor(X[0], 1.0), "[0]"),
        (X[np.array([0, 2])], None),
        (X + 1, None),
    ],
)
def test_an_index_is_written_as_in_python(output, text):
    node = output.owner
    first = 2 if isinstance(node.op, IncSubtensor) else 1
    operands = (v.name or str(v.owner.inputs[0]) if v.owner else str(v.data)
                for v in node.inputs[first:])  # fmt: skip
    assert op_names.index_text(node.op, lambda: next(operands)) == text
