"""Conclusions from measurements: break-even of a longer build, growth of cost, form to choose."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log

from graphrnn.comparison.forms import Cell, Comparison, Form

import numpy as np


def break_even(first: Cell, second: Cell) -> float | None:
    """Return the number of training steps after which `second` has taken less time than `first`.

    steps = (build' - build) / (step - step')

    0 if it is no slower in building and stepping; infinity if it never gets ahead; if it builds
    faster and steps slower, minus the number of steps until which it is ahead; None if one of them
    was not measured.

    Example:
        >>> from graphrnn.comparison.forms import BuildCost, Steps
        >>> def cell(build, step):
        ...     form = Form("scan", "native")
        ...     return Cell(form, 8, BuildCost({"graph": build}, {}, (1, 1)),
        ...                 training=Steps(step, step, step, 9))
        >>> break_even(cell(2.0, 0.5), cell(5.0, 0.25)), break_even(cell(2, 0.5), cell(5, 0.6))
        (12, inf)
    """
    if (
        first.build is None
        or second.build is None
        or first.training is None
        or second.training is None
    ):
        return None
    longer = second.build.seconds - first.build.seconds
    saved = first.training.median - second.training.median
    if longer <= 0:
        return 0 if saved >= 0 else -ceil(longer / saved)
    return ceil(longer / saved) if saved > 0 else float("inf")


@dataclass(frozen=True)
class Growth:
    """The exponents p in time ~ T^p of a form, fitted by least squares on logarithms."""

    form: Form
    build: float | None
    training: float | None
    memory: float | None


def exponent(times: list[int], costs: list[float]) -> float | None:
    """Fit p in cost = c T^p; None for fewer than three lengths.

    Example:
        >>> round(exponent([1, 2, 4], [3.0, 12.0, 48.0]), 6)
        2.0
    """
    if len(times) < 3 or min(costs) <= 0:
        return None
    return float(np.polyfit([log(t) for t in times], [log(c) for c in costs], 1)[0])


def growth(comparison: Comparison) -> list[Growth]:
    """Fit the growth of each form's build time, step time and memory in T."""

    def fitted(form: Form, cost: Callable[[Cell], float | None]) -> float | None:
        known = [(c.time, cost(c)) for c in comparison.cells if c.form == form]
        pairs = [(time, value) for time, value in known if value is not None]
        return exponent([t for t, _ in pairs], [v for _, v in pairs])

    return [
        Growth(
            form,
            fitted(form, lambda c: c.build.seconds if c.build else None),
            fitted(form, lambda c: c.training.median if c.training else None),
            fitted(form, lambda c: c.peak_bytes),
        )
        for form in comparison.forms()
    ]


def baseline(comparison: Comparison, cell: Cell) -> Cell | None:
    """Return the cell to compare a cell with: the first form of its backend, at the same length."""
    for form in comparison.forms():
        if (form.backend, form.rewrites) == (cell.form.backend, cell.form.rewrites):
            return comparison.cell(form, cell.time)
    return None


def advice(comparison: Comparison) -> list[str]:
    """Return a sentence for each length: which form takes least time for the number of steps."""
    lines = []
    for time in comparison.times():
        cells = [
            c for c in comparison.cells if c.time == time and c.total(comparison.steps) is not None
        ]
        if not cells:
            continue
        ranked = sorted(cells, key=lambda c: c.total(comparison.steps) or 0)
        best, total = ranked[0], ranked[0].total(comparison.steps) or 0
        line = (
            f"T = {time}: for {comparison.steps:,} steps choose {best.form}, {total:.1f} s in all"
        )
        if len(ranked) > 1:
            more = (ranked[1].total(comparison.steps) or 0) / total - 1
            line += f"; {ranked[1].form} takes {more:.0%} more"
        lines.append(line)
    return lines
