"""Slices of known length at places that are not: their length is found by algebra."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.lowering.lowering import Lowering
from graphrnn.native.lowering.windows import linear

import aesara.tensor as at
import pytest

I, J = tensor("i", "int64", ()), tensor("j", "int32", ())  # noqa: E741


@pytest.mark.parametrize(
    ("expression", "terms", "number"),
    [
        (lambda: I, {I: 1}, 0),
        (lambda: (I + 1) * 4, {I: 4}, 4),
        (lambda: I * 4 - (I - 2) * 3, {I: 1}, 6),
        (lambda: I + 7 - I, {}, 7),
        (lambda: -I + at.cast(J, "int64") * 2, {I: -1, J: 2}, 0),
    ],
)
def test_a_place_as_a_sum(expression, terms, number):
    got, constant = linear(Lowering(), at.as_tensor(expression()))
    assert (dict(got), constant) == (terms, number)


def test_what_is_no_sum_stands_for_itself():
    square = I * I
    got, constant = linear(Lowering(), square)
    assert (dict(got), constant) == ({square: 1}, 0)
    assert linear(Lowering(), 3) == ({}, 3)
