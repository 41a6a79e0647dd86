"""Random graphs held against themselves as they were written, and against their slopes.

Values are those of the graph as it was written, stepped node by node in Python without a rewrite.
Gradients are held against finite differences of the same graph in float64, which no rule for a
gradient had a part in.
"""

from collections import Counter

from tests.differences import directions, misses, slope
from tests.fuzzing import error_line, flags, function_of, mode_of, undisturbed
from tests.graphs import Maker
from tests.native_helpers import CLOSE

import numpy as np
from aesara.graph.basic import clone_replace

REWRITTEN_EACH = 16
"""One graph of so many is rewritten and stepped in Python too, which takes ten times as long."""


def drawn(seed, dtype=None):
    """Draw the graph of a seed; gives what drew it, and the outputs."""
    maker = Maker(seed, dtype)
    with flags():
        _, outputs = maker.make()
    return maker, outputs


def apart(got, wanted, dtype):
    """Say how two arrays differ; an empty text where they do not."""
    if (got.dtype, got.shape) != (wanted.dtype, wanted.shape):
        return f"got {got.dtype}{got.shape}, wanted {wanted.dtype}{wanted.shape}"
    exact = wanted.dtype == "float64" and dtype == "float64"
    close = CLOSE["float64" if exact else "float32"]
    finite = np.abs(wanted[np.isfinite(wanted)]) if wanted.dtype.kind == "f" else ()
    atol = close["atol"] * np.max(finite, initial=1)
    off = ~np.isclose(got, wanted, rtol=close["rtol"], atol=atol, equal_nan=True)
    if not np.any(off):
        return ""
    return f"{np.sum(off)} of {off.size} differ: got {got[off][:3]}, wanted {wanted[off][:3]}"


def ran(maker, outputs, mode, wanted, times):
    """Call a graph compiled in a mode, and hold each call against what is wanted."""
    graph = maker.graph
    function = function_of(graph.inputs, outputs, mode)
    for _ in range(times):  # a second call must not see what the first left behind
        values = [value.copy() for value in graph.values]
        for got, value in zip(function(*values), wanted, strict=True):
            if text := apart(np.asarray(got), value, graph.dtype):
                return text
        for value, before in zip(values, graph.values, strict=True):
            np.testing.assert_array_equal(value, before)
    return ""


def sloped(seed, counts):
    """Hold the gradient of a graph in float64, as written, against finite differences."""
    maker, _ = drawn(seed, "float64")
    graph = maker.graph
    if graph.cut:
        counts["cut gradients"] += 1
        return ""
    with flags():
        total, wrt, gradients = maker.total(), maker.differentiated(), maker.gradient()
        frozen = {read: read.type() for _, read in graph.stopped}
        loss = clone_replace([total], replace=list(frozen.items()))[0] if frozen else total
    written = mode_of("written")
    base = function_of(graph.inputs, [total, *gradients, *(v for v, _ in graph.stopped)], written)(
        *graph.values
    )
    gradients, held = base[1 : 1 + len(wrt)], base[1 + len(wrt) :]
    f = function_of([*graph.inputs, *frozen.values()], [loss], written)
    places = [graph.inputs.index(x) for x in wrt]

    def at_point(moved):
        values = list(graph.values)
        for place, value in zip(places, moved, strict=True):
            values[place] = value
        return float(f(*values, *held)[0])

    rng = np.random.default_rng([seed, 7])
    point = [graph.values[place] for place in places]
    along = directions(rng, point)
    result = slope(at_point, point, along)
    counts["slopes" if result else "no slope"] += 1
    for g, x in zip(gradients, point, strict=True):
        if g.shape != x.shape:
            return f"a gradient has shape {g.shape}, wanted {x.shape}"
    return misses(result, gradients, along) if result else ""


def differing(seed, counts=None, *, more=()):
    """Compare one graph in all ways; gives a line for each that differs."""
    counts, story, lines = Counter() if counts is None else counts, [], []

    def judge_by(way, judge):
        try:
            text = judge()
        except Exception as error:
            text = error_line(error)
        if text:
            lines.append(f"graph {seed}, {way}: {text} | {story}")

    with undisturbed():
        try:
            maker, outputs = drawn(seed)
            story = maker.graph.story
            wanted = function_of(maker.graph.inputs, outputs, mode_of("written"))(
                *maker.graph.values
            )
        except Exception as error:
            return [f"graph {seed}, written: {error_line(error)}"]
        mode = mode_of("native", threads=1 + seed % 2, more=more)
        judge_by("native", lambda: ran(maker, outputs, mode, wanted, 2))
        if seed % REWRITTEN_EACH == 0:
            judge_by("python", lambda: ran(maker, outputs, mode_of("python"), wanted, 1))
        judge_by("slope", lambda: sloped(seed, counts))
    return lines
