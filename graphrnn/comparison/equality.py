"""Checks that two forms compute the same numbers, before they are timed."""

from collections.abc import Mapping
from typing import Any

from graphrnn.comparison.forms import Form
from graphrnn.errors import UserError

import numpy as np

TOLERANCE = {"float32": 1e-3, "float64": 1e-8}
"""How far elements may differ, relative to the largest of their tensor."""


class DifferenceError(UserError):
    """Two forms differ."""


def require_equal(
    first: Form,
    expected: Mapping[str, Any],
    second: Form,
    actual: Mapping[str, Any],
    *,
    time: int,
    tolerance: float,
) -> None:
    """Check that the tensors of one form equal those of another, in order.

    Raises:
        DifferenceError: a tensor differs; it names the first one, and by how much.

    Example:
        >>> scan, unrolled = Form("scan", "native"), Form("unrolled", "native")
        >>> a, b = {"loss": np.float32([2.0])}, {"loss": np.float32([2.5])}
        >>> require_equal(scan, a, unrolled, b, time=8, tolerance=1e-3)
        Traceback (most recent call last):
        graphrnn.comparison.equality.DifferenceError: loss differs at T = 8 between native, scan \
and native, unrolled by 0.2 of its largest element (tolerance 0.001); nothing was timed
    """
    for name, value in expected.items():
        where = f"{name} differs at T = {time} between {first} and {second}"
        other = actual.get(name)
        if other is None or np.shape(other) != np.shape(value):
            shape = None if other is None else np.shape(other)
            raise DifferenceError(f"{where}: shapes {np.shape(value)} and {shape}")
        value, other = np.asarray(value), np.asarray(other)
        finite = np.isfinite(value)
        if not np.array_equal(finite, np.isfinite(other)):
            raise DifferenceError(f"{where}: one has numbers that are not finite")
        if not np.array_equal(value[~finite], other[~finite], equal_nan=True):
            raise DifferenceError(f"{where}: they have other numbers that are not finite")
        value, other = value[finite], other[finite]
        largest = max(float(np.abs(v).max(initial=0)) for v in (value, other))
        difference = float(np.abs(np.subtract(value, other, dtype="float64")).max(initial=0))
        if difference > tolerance * largest:
            raise DifferenceError(
                f"{where} by {difference / largest:.2g} of its largest element "
                f"(tolerance {tolerance:g}); nothing was timed"
            )


def precision(tensors: Mapping[str, Any]) -> str:
    """Return the lowest precision among tensors."""
    dtypes = {str(np.asarray(value).dtype) for value in tensors.values()}
    return "float32" if "float32" in dtypes else "float64"
