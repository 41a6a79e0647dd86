from graphrnn.runs.checkpoint import Point
from graphrnn.training.early_stopping import EarlyStopping, past_best, validations_since_best

import pytest


def points(*losses):
    return [Point(sequences=10 * (k + 1), loss=x, accuracy=0.1) for k, x in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "waited"),
    [((), 0), ((3.0,), 0), ((3.0, 2.0), 0), ((2.0, 3.0), 1), ((3.0, 2.0, 2.0, 2.5), 2)],
)
def test_validations_since_the_first_of_the_best(losses, waited):
    assert validations_since_best(points(*losses)) == waited


def test_patience_ends_after_so_many():
    early = EarlyStopping(2)
    assert not early.is_due(points(3.0, 2.0, 2.5))
    assert early.is_due(points(3.0, 2.0, 2.5, 2.1))
    assert not early.is_due([])


def test_without_patience_nothing_ends():
    assert not EarlyStopping(None).is_due(points(1.0, *[2.0] * 50))


def test_the_reason_names_the_best():
    assert EarlyStopping(2).reason(points(3.0, 2.0, 2.5, 2.1)) == (
        "stopped early: 2 validations without a better loss than 2.000 after 20 sequences"
    )


def test_a_loss_that_has_passed_its_best_is_told_once():
    def at(*losses):
        return [Point(sequences=k, loss=x, accuracy=0.0) for k, x in enumerate(losses)]

    assert past_best(at(2.0, 1.9, 1.8)) == ""
    assert past_best(at(2.0, 1.9, 1.95)) == ""
    assert "lowest after 1 sequences, 1.900" in past_best(at(2.0, 1.9, 1.95, 1.96))
    assert past_best(at(2.0, 1.9, 1.95, 1.96, 1.97)) == ""
    assert past_best(at(2.0, 1.9, 1.9, 1.9001)) == ""
