"""Random graphs against Aesara's Python mode: the same numbers, call after call."""

from tests.graphs import differs

import pytest

GRAPHS, CHUNK = 300, 10


@pytest.mark.parametrize("first", range(0, GRAPHS, CHUNK))
def test_random_graphs(threads, first):
    wrong = [text for seed in range(first, first + CHUNK) if (text := differs(seed))]
    assert not wrong, "\n".join(wrong)
