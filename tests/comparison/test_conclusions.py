from graphrnn.comparison.conclusions import advice, baseline, break_even, exponent, growth
from graphrnn.comparison.forms import Cell
from tests.comparison.measured import PLAIN, SCAN, UNROLLED, cell, comparison

import pytest


def test_a_form_is_held_against_the_first_of_its_backend_and_rewrites():
    scan, unrolled, plain = (cell(form, 4, 1.0, 0.5) for form in (SCAN, UNROLLED, PLAIN))
    result = comparison(scan, unrolled, plain)
    assert baseline(result, unrolled) is scan
    assert baseline(result, scan) is scan
    assert baseline(result, plain) is plain


@pytest.mark.parametrize(
    ("build", "step", "steps"),
    [(5.0, 0.25, 12), (5.0, 0.5, float("inf")), (1.0, 0.5, 0), (1.0, 0.75, -4)],
)
def test_a_longer_build_is_repaid(build, step, steps):
    assert break_even(cell(SCAN, 4, 2.0, 0.5), cell(UNROLLED, 4, build, step)) == steps


def test_what_was_not_measured_is_repaid_never_nor_ever():
    assert break_even(cell(SCAN, 4, 2.0, 0.5), Cell(UNROLLED, 4)) is None


def test_two_lengths_are_too_few_for_an_exponent():
    assert exponent([4, 8], [1.0, 2.0]) is None
    assert exponent([4, 8, 16], [0.0, 1.0, 2.0]) is None
    assert exponent([4, 8, 16], [3.0, 3.0, 3.0]) == pytest.approx(0)


def test_growth_is_of_each_form():
    cells = [cell(SCAN, t, 2.0, 0.01 * t) for t in (4, 8, 16)]
    (one,) = growth(comparison(*cells))
    assert (one.form, round(one.build, 6), round(one.training, 6)) == (SCAN, 0, 1)


def test_advice_is_the_least_in_all():
    result = comparison(cell(SCAN, 4, 1.0, 0.5), cell(UNROLLED, 4, 5.0, 0.1), steps=100)
    assert advice(result) == [
        "T = 4: for 100 steps choose native, unrolled, 15.0 s in all; native, scan takes 240% more"
    ]
    assert advice(comparison(Cell(SCAN, 4))) == []
