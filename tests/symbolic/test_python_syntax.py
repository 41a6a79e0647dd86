"""Python's syntax on a symbolic variable says what a static graph is, and what to write."""

from graphrnn.errors import UserError
from graphrnn.graph.shapes import tensor

import aesara.tensor as at
import pytest

X, V, I = tensor("x", "float32", (2, 3)), tensor("v", "float32", (3,)), tensor("i", "int64", ())  # noqa: E741


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: 1 if V[0] > 0 else 2, r"gt: if, while.*at\.switch.*ifelse"),
        (lambda: bool(at.any(X > 0)), "at.switch"),
        (lambda: 0 < V < 1, "at.and_"),
        (lambda: len(X), r"x: len\(\).*x\.shape\[0\]"),
        (lambda: float(at.sum(X)), r"Sum of x: float\(\).*\.eval"),
        (lambda: int(I), r"i: int\(\).*int64"),
        (lambda: range(I), r"i: a list's index or range\(\).*at\.arange"),
        (lambda: [1, 2][I], "at.stack"),
        (lambda: list(X), r"x: iterating.*as a list, \[x\]"),
        (lambda: sum(X), "at.sum"),
        (lambda: f"{at.sum(X):.2f}", r"format '\.2f'.*compiled function"),
    ],
)  # fmt: skip
def test_what_needs_a_value_is_refused_by_what_to_write_instead(ask, message):
    with pytest.raises(UserError, match=message) as raised:
        ask()
    assert isinstance(raised.value, TypeError)
    assert "(test_python_syntax.py:" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_needs_none_goes_on():
    assert f"{X} and {V!s}" == "x and v"
    assert [v.ndim for v in V] == [0, 0, 0]
    assert ("present" if X else "missing") == "present"
    assert repr(X) == "x"
