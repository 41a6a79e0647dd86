from graphrnn.training.tally import Tally


def test_means():
    tally = Tally()
    tally.add(1.0, 0.5)
    tally.add(3.0, 0.0)
    point = tally.point(7)
    assert (point.sequences, point.loss, point.accuracy) == (7, 2.0, 0.25)


def test_nothing_counted_is_zero():
    assert Tally().point(3).loss == 0
