from graphrnn.training.guard import Guard, Tally

import pytest


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_noticed(value):
    assert "the loss became" in Guard(10, 100).complaint(value, None)
    assert "the gradient norm became" in Guard(10, 100).complaint(1.0, value)


def test_a_bad_sequence_is_no_explosion_but_many_are():
    guard = Guard(symbols=86, predictions=8)
    assert guard.complaint(4.5, None) == ""
    assert guard.complaint(40.0, 5.0) == ""
    answers = [guard.complaint(40.0, 5.0) for _ in range(40)]
    assert answers[0] == ""
    assert "over 3 times the 4.50 at its start" in answers[-1]


def test_a_lucky_first_sequence_does_not_count_as_the_start():
    guard = Guard(symbols=86, predictions=8)
    guard.complaint(0.1, None)
    assert guard.start == pytest.approx(4.454, abs=1e-3)


def test_means():
    tally = Tally()
    tally.add(1.0, 0.5)
    tally.add(3.0, 0.0)
    point = tally.point(7)
    assert (point.sequences, point.loss, point.accuracy) == (7, 2.0, 0.25)
