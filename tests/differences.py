"""Slopes by finite differences in float64: what a gradient is held against.

A slope is asked for along one random direction, so that one number holds all partial derivatives.
Whether a function can be differentiated at its point is decided by its values alone, never by the
gradient that is held against it: a wrong gradient cannot talk itself out.
"""

from dataclasses import dataclass

import numpy as np

STEPS = (1e-3, 1e-4, 1e-5)
LOOSE = 2e-5
"""Two step sizes that differ by more than this share of the slope have a kink between them."""
TIGHT = 1e-7
"""What rounding may add, as a share of the parts that a slope is the sum of."""


@dataclass(frozen=True)
class Slope:
    """A derivative along a direction, and by how much it may be wrong."""

    value: float
    error: float


def directions(rng, values):
    """Draw a direction through all values."""
    return [rng.standard_normal(value.shape) for value in values]


def moved(values, along, step):
    """Go a step along a direction."""
    return [value + step * way for value, way in zip(values, along, strict=True)]


def slope(f, values, along):
    """Compute the derivative of `f(values)` along a direction; None where it has none.

    Central differences of two step sizes must agree, and so must the slopes to the left and to the
    right, where a smooth function's differ by less the smaller the step is.
    """
    middle = f(values)
    for h in STEPS:
        up, down, near, close = (f(moved(values, along, s * h)) for s in (1, -1, 0.5, -0.5))
        if not np.all(np.isfinite([middle, up, down, near, close])):
            return None
        wide, narrow = (up - down) / (2 * h), (near - close) / h
        best = (4 * narrow - wide) / 3
        bend = 4 * (near - 2 * middle + close) / h - (up - 2 * middle + down) / h
        size = max(abs(best), 1e-2 * abs(middle), 1e-6)
        # A small value may be what is left of larger ones that cancel.
        rounding = 20 * np.finfo("float64").eps * max(abs(up), abs(down), 0.1) / h
        if max(abs(narrow - wide), abs(bend)) < LOOSE * size:
            return Slope(best, max(abs(narrow - wide), abs(bend)) + rounding)
    return None


def curvature(f, values, first, second):
    """Compute the derivative along a second direction of the derivative along a first one."""
    estimates = []
    for h in (1e-3, 5e-4):
        corners = [
            (a * b) * f(moved(moved(values, first, a * h), second, b * h))
            for a in (1, -1)
            for b in (1, -1)
        ]
        if not np.all(np.isfinite(corners)):
            return None
        estimates.append(sum(corners) / (4 * h * h))
    best = (4 * estimates[1] - estimates[0]) / 3
    apart = abs(estimates[1] - estimates[0])
    size = max(abs(best), 1e-2 * abs(f(values)), 1e-3)
    # An edge of a function gives 1 / h of its height, a jump 1 / h²: then these are far apart.
    return Slope(best, apart + 1e-6 * size) if apart < 1e-4 * size else None


def misses(found, gradients, along, loose=0.0):
    """Say how far gradients are from a slope; an empty text where they agree.

    `loose` is what the gradients' own precision may add, as a share of their parts.
    """
    parts = [np.sum(g * way) for g, way in zip(gradients, along, strict=True)]
    got = float(np.sum(parts))
    sizes = [np.sum(np.abs(g * way)) for g, way in zip(gradients, along, strict=True)]
    lengths = float(np.sum([np.sum(np.abs(way)) for way in along]))
    # Where a function is flat, float32 gives noise of its own size, or nothing at all.
    allowed = found.error + (TIGHT + loose) * float(np.sum(sizes)) + 1e-3 * loose * lengths
    if abs(got - found.value) <= allowed:
        return ""
    return f"slope along a random direction: got {got:.9g}, wanted {found.value:.9g}"
