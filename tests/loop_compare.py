"""Random loops held against NumPy: values, shared variables, gradients and their gradients."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain

from tests import loop_interpreter as numpy_loops
from tests.differences import curvature, misses, slope
from tests.fuzzing import WAYS, error_line, flags, function_of, mode_of, undisturbed
from tests.loop_descriptions import Case, Drawer
from tests.loop_graphs import Built, Values, built, differentiated, places, values_of
from tests.loop_shrinking import shrunk

import numpy as np

REWRITTEN_EACH = 16
"""One loop of so many is rewritten and stepped in Python too, which takes ten times as long."""
TRIES = 80
"""Smaller loops that are tried for one that differs."""
CLOSE = {"float64": 1e-9, "float32": 3e-4}


class Wanted:
    """What NumPy says of one call: numbers at once, slopes when they are asked for."""

    def __init__(self, case, values, starts):
        self.case, self.values, self.starts = case, values, starts
        self.operands = [*values.sequences, *starts, *values.constants]
        self.outputs = numpy_loops.run(case.loop, self.operands)
        self.reads = [numpy_loops.picked(case.loop, self.outputs, r) for r in case.reads]
        self.loss = numpy_loops.loss(case, self.outputs, values.weights)
        self.slopes = {}

    def after(self):
        """Give what the shared variables hold after the call, in the order of the states."""
        return [
            self.outputs[k][-1]
            for k, state in enumerate(self.case.loop.states)
            if state.start in ("carried", "inside")
        ]

    def next_starts(self):
        """Give what the next call starts with."""
        left = iter(self.after())
        return [
            next(left) if state.start in ("carried", "inside") else start
            for state, start in zip(self.case.loop.states, self.starts, strict=True)
        ]

    def point(self):
        """Give what a gradient is taken of."""
        return differentiated(self.case, self.values.sequences, self.starts, self.values.constants)

    def at_point(self, moved):
        """Compute the loss elsewhere; what a cut gradient does not see stays where it was."""
        v, loop = self.values, self.case.loop
        operands = {"sequence": list(v.sequences), "start": list(self.starts),
                    "constant": list(v.constants)}  # fmt: skip
        for (kind, k), array in zip(places(self.case), moved, strict=True):
            operands[kind][k] = array
        for k, state in enumerate(loop.states):
            if state.start == "same":
                operands["start"][k] = operands["start"][0]
        frozen = self.outputs if loop.cut != -1 else None
        outputs = numpy_loops.run(loop, [*chain(*operands.values())], frozen)
        return numpy_loops.loss(self.case, outputs, v.weights)

    def slope(self, order):
        """Compute the slope of the loss, or of its slope, along the case's directions."""
        if order not in self.slopes:
            v, point = self.values, self.point()
            self.slopes[order] = (
                slope(self.at_point, point, v.along) if order == 1
                else curvature(self.at_point, point, v.along, v.across)
            )  # fmt: skip
        return self.slopes[order]


def apart(got, wanted, tolerance):
    """Say how two arrays differ; an empty text where they do not."""
    if got.shape != np.shape(wanted):
        return f"got shape {got.shape}, wanted {np.shape(wanted)}"
    size = max(1.0, float(np.max(np.abs(wanted), initial=0)))
    if np.allclose(got, wanted, rtol=tolerance, atol=tolerance * size, equal_nan=True):
        return ""
    return f"got {_short(got)}, wanted {_short(wanted)}"


def _short(array):
    return " ".join(np.array2string(np.asarray(array), precision=6, threshold=12).split())[:160]


def judged(wanted, got, counts):
    """Hold the outputs of one call against NumPy; gives a text for the first that differs."""
    case = wanted.case
    tolerance = CLOSE[case.dtype]
    n = len(case.reads)
    for k, (a, b) in enumerate(zip(got[:n], wanted.reads, strict=True)):
        dtype = case.loop.body[case.reads[k].output].dtype.replace("float", case.dtype)
        wrong = f"dtype {a.dtype}, wanted {dtype}" if a.dtype != dtype else apart(a, b, tolerance)
        if wrong:
            return f"read {k}: {wrong}"
    if text := apart(got[n], wanted.loss, 10 * tolerance):
        return f"loss: {text}"
    rest, count = got[n + 1 :], len(places(case))
    for order in range(1, case.order + 1 if count else 1):
        gradients, rest = rest[:count], rest[count:]
        for g, x in zip(gradients, wanted.point(), strict=True):
            if g.shape != np.shape(x):
                return f"gradient {order}: got shape {g.shape}, wanted {np.shape(x)}"
        expected = wanted.slope(order)
        counts[f"order {order}"] += 1
        if expected is None:
            counts[f"order {order}, no slope"] += 1
            continue
        along = (wanted.values.along, wanted.values.across)[order - 1]
        loose = 0 if case.dtype == "float64" else 1e-3
        if text := misses(expected, gradients, along, loose):
            return f"gradient {order}: {text}"
    return ""


@dataclass
class Trial:
    """A case with its numbers, and what NumPy wants of two calls."""

    case: Case
    values: Values
    wanted: list
    graph: Built | None = None

    @classmethod
    def of(cls, case):
        """Run a case in NumPy."""
        values = values_of(case)
        first = Wanted(case, values, values.starts)
        return cls(case, values, [first, Wanted(case, values, first.next_starts())])


def ways_of(seed, rewritten_each=REWRITTEN_EACH):
    """Give the ways in which a loop is run."""
    return WAYS if seed % rewritten_each == 0 else WAYS[:2]


def differing(case, counts=None, *, ways=WAYS[:2], more=()):
    """Compare a loop in some ways; gives a line for each in which it differs."""
    counts = Counter() if counts is None else counts
    with undisturbed():
        trial = Trial.of(case)
        result = ((way, ran(trial, way, counts, more)) for way in ways)
        return [f"loop {case.seed}, {way}: {text} | {case}" for way, text in result if text]


def differing_from_seed(seed, counts=None, *, more=()):
    """Compare the loop of a seed; what differs is made as small as still differs in that way."""
    case = Drawer(seed).case()
    results = []
    for text in differing(case, counts, ways=ways_of(seed), more=more):
        way, kind = kind_of(text)

        def again(smaller, way=way):
            try:
                return differing(smaller, ways=(way,), more=more)
            except Exception:  # NumPy itself may refuse what is left
                return []

        least = shrunk(case, lambda c, kind=kind: kind in {kind_of(t)[1] for t in again(c)}, TRIES)
        results.append(text if least == case else f"{again(least)[0]} | drawn: {case}")
    return results


def kind_of(text):
    """Give what two faults of one kind have in common: the way and the words, not the numbers."""
    way, fault = text.split(" | ")[0].partition(", ")[2].split(": ", 1)
    return way, re.sub(r"[-\d.e+]+", "#", fault)[:60]


def ran(trial, way, counts, more=()):
    """Run a loop one way, called twice, and judge; an empty text where nothing differs.

    The graph is built once for the ways that share it: the body of a loop is compiled in the mode
    in which it was built, but for native, which lowers it anyway.
    """
    mode = mode_of(way, threads=1 + trial.case.seed % 2, more=more)
    if way == "native" and trial.case.loop.until is not None and trial.case.order:
        # Refused by name, which a test of its own holds it to: its values are compared.
        counts["gradients that native refuses"] += 1
        trial = Trial.of(replace(trial.case, order=0))
    try:
        if trial.graph is None or way == "python":
            with flags(mode):
                trial.graph = built(trial.case, trial.values)
        graph = trial.graph
        function = function_of(graph.inputs, graph.outputs, mode, graph.updates)
        for variable, value in graph.shared:
            variable.set_value(value)
        for wanted in trial.wanted:
            values = [array.copy() for array in graph.values]
            got = function(*values)
            if text := judged(wanted, got, counts) or _left(wanted, graph):
                return text
            for before, after in zip(graph.values, values, strict=True):
                np.testing.assert_array_equal(before, after)
    except Exception as error:
        return error_line(error)
    return ""


def _left(wanted, graph):
    """Hold what the shared variables were left at against NumPy."""
    for (variable, _), value in zip(graph.shared, wanted.after(), strict=True):
        if text := apart(variable.get_value(), value, CLOSE[wanted.case.dtype]):
            return f"{variable} after the call: {text}"
    return ""
