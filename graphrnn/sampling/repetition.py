"""Notices a text that goes round in a circle."""

import numpy as np

REPEATED = 80
"""Characters of repetition from which on a text is said to loop."""


def repetition(text: str) -> str | None:
    """Return what a text repeats at least four times and for 80 characters, or None.

    Example:
        >>> repetition("Now: " + "the cat " * 12), repetition("The cat sat on the mat. " * 3)
        (' the cat', None)
    """
    points = np.array([ord(c) for c in text], dtype=np.int64)
    for period in range(1, len(text) // 4 + 1):
        same = np.concatenate([[False], points[period:] == points[:-period], [False]])
        borders = np.flatnonzero(same[1:] != same[:-1])
        runs = borders[1::2] - borders[::2]
        if len(runs) and runs.max() + period >= max(4 * period, REPEATED):
            first = int(borders[::2][runs.argmax()])
            return text[first : first + period]
    return None
