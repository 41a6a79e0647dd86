"""Random loops held against a NumPy interpreter of them: values, updates, gradients."""

from collections import Counter

from scripts.fuzz_native import as_usual
from tests.loop_compare import differing_from_seed

import pytest

LOOPS, CHUNK = 200, 10


@pytest.mark.parametrize("first", range(0, LOOPS, CHUNK))
def test_random_loops(threads, first):
    wrong = [
        text
        for seed in range(first, first + CHUNK)
        for text in differing_from_seed(seed, Counter(), more=as_usual(seed))
    ]
    assert not wrong, "\n".join(wrong)
