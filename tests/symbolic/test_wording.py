"""Messages name variables, lengths and operations as users write them."""

from graphrnn.graph.shapes import tensor
from graphrnn.symbolic.wording import Misfit, number_name, origin, refusal, show

import aesara.tensor as at

X, W = tensor("x", "float32", (2, 3)), tensor("W", "float32", (3, 4))


def test_a_refusal_says_what_was_got_and_needed():
    node = at.dot(X, X.T).owner
    text = refusal(node, Misfit("more"), lambda v: v.type.shape)
    assert text.startswith("dot: got x (2, 3), ")
    assert "; needed more" in text
    assert number_name(tensor("n", "int64", ())) == "n"


def test_variables_without_a_name_go_by_what_made_them():
    assert origin(at.tanh(X)) == "tanh of x"
    assert origin(X[1:]) == "index of x"
    assert origin(at.constant([1.0])) == "a constant"
    assert (show((2, None)), show((3,)), show(())) == ("(2, ?)", "(3,)", "()")


def test_axes_that_only_broadcast_are_not_shown():
    b = tensor("b", "float32", (1,))
    text = refusal((X + b).owner, Misfit("more"), lambda v: v.type.shape)
    assert "b (1,)" in text
