"""The time of each rewrite is counted once."""

from graphrnn.inspection.rewriting.recorder import rewrite
from tests.inspected import lesson_source

import pytest


def test_the_times_of_rewrites_sum_to_the_whole(lesson):
    timing = lesson.timing
    parts = [part.seconds for part in timing.rewrites()]
    assert all(seconds >= 0 for seconds in parts)
    assert sum(parts) + timing.outside == pytest.approx(timing.total, rel=0.05)
    assert sum(seconds for _, seconds in timing.phases()) == pytest.approx(sum(parts))
    # Little time is spent outside all rewrites, so the parts account for most of it.
    assert timing.outside < 0.5 * timing.total
    assert {"canonicalize", "specialize"} <= {phase for phase, _ in timing.phases()}


def test_rewriters_are_restored_after_timing():
    from aesara.graph.rewriting.basic import SequentialGraphRewriter

    before = SequentialGraphRewriter.apply
    rewrite(lesson_source(time=2), measured=True)
    assert SequentialGraphRewriter.apply is before
