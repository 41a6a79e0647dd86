"""Schedules of the learning rate: pure functions of the progress of training.

`done` counts whatever the caller counts: sequences, steps or epochs; `every`, `at` and `total`
count the same. All are numbers outside the graph, which has the learning rate as an input.
"""

from collections.abc import Sequence
from math import cos, pi


def constant(learning_rate: float, done: float) -> float:
    """Return the learning rate unchanged: rate(n) = learning_rate.

    Example:
        >>> constant(0.1, 5000)
        0.1
    """
    return learning_rate


def step(learning_rate: float, done: float, *, at: Sequence[float], factor: float = 0.1) -> float:
    """Multiply it by a factor at given counts, as the lesson does by hand for its LSTM.

    rate(n) = learning_rate · factor^|{m in at: m ≤ n}|

    Example:
        >>> [round(step(1e-3, epoch, at=[4]), 6) for epoch in (0, 3, 4, 11)]
        [0.001, 0.001, 0.0001, 0.0001]
    """
    return learning_rate * factor ** sum(moment <= done for moment in at)


def exponential(
    learning_rate: float, done: float, *, every: float = 1000, factor: float = 0.95
) -> float:
    """Multiply it by a factor at regular intervals, as the lesson does for its Theano GRU.

    rate(n) = learning_rate · factor^⌊n / every⌋

    Example:
        >>> [round(exponential(0.1, n), 6) for n in (0, 999, 1000, 2500)]
        [0.1, 0.1, 0.095, 0.09025]
    """
    return float(learning_rate * factor ** (done // every))


def cosine(learning_rate: float, done: float, *, total: float, end: float = 0.0) -> float:
    """Decrease the learning rate along half a cosine wave, slowly at both ends.

    rate(n) = end + (learning_rate - end) · (1 + cos(π · min(1, n / total))) / 2

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017),
    equation 5, without the restarts.

    Example:
        >>> [round(cosine(0.1, n, total=100, end=0.02), 6) for n in (0, 50, 100, 200)]
        [0.1, 0.06, 0.02, 0.02]
    """
    return end + (learning_rate - end) * (1 + cos(pi * min(1.0, done / total))) / 2
