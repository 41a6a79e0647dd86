import itertools

from graphrnn.data import batches
from graphrnn.data.text import split
from graphrnn.errors import UserError

import numpy as np
import pytest


def corpus(n):
    return np.arange(n, dtype=np.int32)


@pytest.mark.parametrize(("n", "time", "batch"), [(17, 8, 1), (18, 8, 2), (100, 7, 3), (9, 1, 8)])
def test_shuffled_gives_each_window_at_most_once(rng, n, time, batch):
    indices, seen = corpus(n), []
    for x, y in batches.shuffled(indices, time=time, batch=batch, rng=rng):
        assert x.shape == y.shape == (time, batch)
        assert x.dtype == y.dtype == np.int32
        np.testing.assert_array_equal(y, x + 1)
        np.testing.assert_array_equal(np.diff(x, axis=0), 1)
        seen += x[0].tolist()
    n_windows = (n - 1) // time
    assert len(seen) == len(set(seen)) == n_windows // batch * batch
    assert all(start % time == 0 for start in seen)
    np.testing.assert_array_equal(indices, corpus(n))


def test_same_seed_same_order():
    runs = [
        [
            x.tolist()
            for x, _ in batches.shuffled(
                corpus(99), time=4, batch=2, rng=np.random.default_rng(seed)
            )
        ]
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_streams_go_on_where_they_ended():
    indices = corpus(100)
    windows = list(batches.streams(indices, time=5, batch=3))
    assert len(windows) == 6
    for (x, y), (x_next, _) in itertools.pairwise(windows):
        np.testing.assert_array_equal(y[-1], x_next[0])
        np.testing.assert_array_equal(y, x + 1)
    # Together the streams hold each character once.
    seen = np.concatenate([x.ravel() for x, _ in windows])
    assert len(np.unique(seen)) == len(seen) == 90


def test_held_out_text_is_in_no_training_window(rng):
    train, held_out = split(corpus(1000), 0.1)
    seen = set()
    for x, y in batches.shuffled(train, time=8, batch=1, rng=rng):
        seen |= set(x.ravel().tolist()) | set(y.ravel().tolist())
    assert not seen & set(held_out.tolist())


@pytest.mark.parametrize(
    ("n", "batch", "message"),
    [
        (0, 1, "got 0 characters, needed at least 9"),
        (8, 1, "got 8 characters, needed at least 9"),
        (25, 4, "batch: got 4, needed at most 3"),
    ],
)
def test_too_short(rng, n, batch, message):
    with pytest.raises(UserError, match=message):
        next(batches.shuffled(corpus(n), time=8, batch=batch, rng=rng))


@pytest.mark.parametrize("stride", [1, 3])
def test_windows_that_overlap(rng, stride):
    """One begins every `stride` characters, up to the last that has a target for each character."""
    indices = corpus(30)
    seen = sorted(
        start
        for x, y in batches.shuffled(indices, time=8, batch=1, rng=rng, stride=stride)
        for start in x[0].tolist()
    )
    assert seen == [k for k in range(30) if k % stride == 0 and k + 8 < 30]
    assert len(seen) == batches.count_windows(indices, 8, stride)
