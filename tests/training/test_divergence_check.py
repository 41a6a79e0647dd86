from pathlib import Path

from graphrnn.training.divergence_check import DivergenceCheck, Evidence, diverged

import pytest


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_noticed(value):
    assert "the loss became" in DivergenceCheck(10, 100).problem(value, None)
    assert "the gradient norm became" in DivergenceCheck(10, 100).problem(1.0, value)


def test_a_bad_sequence_is_no_divergence_but_many_are():
    check = DivergenceCheck(symbols=86, predictions=8)
    assert check.problem(4.5, None) == ""
    assert check.problem(40.0, 5.0) == ""
    answers = [check.problem(40.0, 5.0) for _ in range(40)]
    assert answers[0] == ""
    assert "over 3 times the 4.50 at its start" in answers[-1]


def test_a_lucky_first_sequence_does_not_count_as_the_start():
    check = DivergenceCheck(symbols=86, predictions=8)
    check.problem(0.1, None)
    assert check.start == pytest.approx(4.454, abs=1e-3)


def test_the_error_says_what_helps_and_carries_what_there_is_to_look_at():
    seen = Evidence(None, None, Path("last"))
    error = diverged("the loss became nan", 1200, 0.5, "nothing had been saved yet", seen)
    assert str(error) == (
        "the loss became nan after 1,200 sequences; lower --learning-rate (now 0.5) or limit the "
        "gradients with --clip 1; nothing had been saved yet"
    )
    assert error.evidence is seen
