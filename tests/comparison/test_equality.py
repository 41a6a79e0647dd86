from graphrnn.comparison.equality import DifferenceError, precision, require_equal
from graphrnn.comparison.forms import Form

import numpy as np
import pytest

ONE, OTHER = Form("scan", "native"), Form("unrolled", "native")


def hold(wanted, found, tolerance=1e-3):
    require_equal(ONE, wanted, OTHER, found, time=4, tolerance=tolerance)


def test_differences_are_measured_by_the_largest_element():
    wanted = {"W": np.array([1000.0, 1.0])}
    hold(wanted, {"W": np.array([1000.0, 1.9])})
    with pytest.raises(DifferenceError, match=r"W differs at T = 4 .* by 0\.002 of its largest"):
        hold(wanted, {"W": np.array([1000.0, 3.0])})


def test_the_first_that_differs_is_named_and_none_may_be_missing():
    wanted = {"loss": np.ones(1), "W": np.ones(2)}
    with pytest.raises(DifferenceError, match="^loss differs"):
        hold(wanted, {"loss": 2 * np.ones(1), "W": np.zeros(2)})
    with pytest.raises(DifferenceError, match=r"^W differs .*: shapes \(2,\) and None"):
        hold(wanted, {"loss": np.ones(1)})


def test_what_is_not_finite_stands_in_the_same_places_and_hides_no_other():
    value = np.array([1.0, np.inf, np.nan])
    hold({"W": value}, {"W": value.copy()})
    with pytest.raises(DifferenceError, match="one has numbers that are not finite"):
        hold({"W": value}, {"W": value[::-1]})
    with pytest.raises(DifferenceError, match="other numbers that are not finite"):
        hold({"W": value}, {"W": value * [1, -1, 1]})
    with pytest.raises(DifferenceError, match="by 0.8 of its largest element"):
        hold({"W": value}, {"W": value * [5, 1, 1]})


def test_tensors_of_zeros_are_equal():
    hold({"W": np.zeros(3)}, {"W": np.zeros(3)})


def test_precision_is_the_lowest():
    wide, narrow = np.zeros(1), np.zeros(1, "float32")
    assert precision({"a": wide}) == "float64"
    assert precision({"a": wide, "b": narrow}) == "float32"
