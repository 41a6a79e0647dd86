"""Equal expressions of equal inputs have one number, and no others."""

from graphrnn.upstream.value_numbering import Numbers

import aesara.tensor as at


def numbered(*outputs, leaves=()):
    numbers = Numbers()
    for variable, key in leaves:
        numbers.leaf(variable, key)
    numbers.body([variable for variable, _ in leaves], outputs)
    return [numbers.of[v] for v in outputs]


def test_expressions_are_equal_by_what_they_are_made_of():
    x, y = at.dvector("x"), at.dvector("y")
    a, b, c, d = numbered(at.exp(x) + y, at.exp(x) + y, y + at.exp(x), at.exp(y) + y)
    assert a == b
    assert len({a, c, d}) == 3  # the order of terms counts: this is no algebra


def test_inputs_of_one_key_are_one_value():
    x, y, z = at.dvector("x"), at.dvector("y"), at.dvector("z")
    leaves = [(x, ("state", 0)), (y, ("state", 0)), (z, ("state", 1))]
    a, b, c = numbered(at.tanh(x), at.tanh(y), at.tanh(z), leaves=leaves)
    assert a == b != c


def test_constants_are_equal_by_value_and_dtype():
    x = at.dvector("x")
    a, b, c, d = numbered(x * at.constant(2.0), x * at.constant(2.0), x * 3.0, x * at.constant(2))
    assert a == b
    assert len({a, c, d}) == 3


def test_an_unknown_input_is_like_no_other():
    a, b = numbered(at.dvector("x"), at.dvector("x"))
    assert a != b


def test_each_result_of_a_node_has_a_number_of_its_own():
    largest, place = at.max_and_argmax(at.dmatrix("x"), axis=1)
    a, b = numbered(largest, place)
    assert a != b
