"""Random loops run by NumPy, step by step: the oracle of `loop_graphs`, without any Aesara."""

import math

import numpy as np


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _put(x, row, value):
    new = x.copy()
    new[row] = value
    return new


def _erf(x):
    return np.vectorize(math.erf, otypes=["float64"])(x) if np.size(x) else np.zeros_like(x)


PLAIN = {
    "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "neg": np.negative, "arctan": np.arctan,
    "erf": _erf,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "square_of_tanh": lambda x: np.tanh(x) ** 2,
    "softplus": lambda x: np.logaddexp(0, x),
    "log_of_square": lambda x: np.log(1.5 + x * x),
    "root": lambda x: np.sqrt(1 + x * x),
    "exp_of_tanh": lambda x: np.exp(np.tanh(x)),
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "mod": np.mod,
    "maximum": np.maximum, "minimum": np.minimum,
    "divide": lambda x, y: x / (1 + y * y),
    "switch": np.where, "and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor,
    "not": np.logical_not, "greater": np.greater, "less": np.less, "equal": np.equal,
    "to_float": lambda x: np.asarray(x, "float64"), "to_int": lambda x: np.asarray(x, "int64"),
    "turn": lambda x: x[::-1], "roll": lambda x: np.concatenate([x[1:], x[:1]]),
    "softmax": _softmax, "log_softmax": lambda x: np.log(_softmax(x)),
    "dot": np.dot, "outer": np.outer,
}  # fmt: skip
"""What needs nothing but its operands."""

WITH_DATA = {
    "spread": lambda shape, x: np.broadcast_to(x, shape),
    "sum": lambda axis, x: np.sum(x, axis=axis),
    "mean": lambda axis, x: np.mean(x, axis=axis),
    "max": lambda axis, x: np.max(x, axis=axis),
    "min": lambda axis, x: np.min(x, axis=axis),
    "prod": lambda axis, x: np.prod(x, axis=axis),
    "set_row": lambda row, x, y: _put(x, row, y),
    "add_row": lambda row, x, y: _put(x, row, x[row] + y),
    "join_at": lambda place, x, y: np.concatenate([x[:place], y[place:]]),
    "row": lambda length, x, k: x[int(k) % length],
}
"""What has a number, an axis or a shape besides."""


def value(expr, read, known=None):
    """Compute an expression; `read` gives what is read, by kind, place and tap."""
    known = {} if known is None else known
    if id(expr) in known:
        return known[id(expr)]
    if expr.op == "read":
        result = read[expr.data]
    elif expr.op in ("number", "whole"):
        result = np.asarray(expr.data, "float64" if expr.op == "number" else "int64")
    else:
        args = [value(arg, read, known) for arg in expr.args]
        if expr.op == "loop":
            loop, output, how = expr.data
            rows = run(loop, args)[output]
            result = rows[-1] if how == "last" else sum(rows)
        elif expr.op in PLAIN:
            result = PLAIN[expr.op](*args)
        else:
            result = WITH_DATA[expr.op](expr.data, *args)
    known[id(expr)] = result
    return result


def run(loop, operands, frozen=None):
    """Run a loop; gives for each output the list of its rows, of as many steps as were taken.

    `operands` are the sequences, then what states start with, then the constants. With `frozen`,
    the rows of another run, all but the last `loop.cut` steps are taken from there: what a gradient
    that is cut short differentiates.
    """
    n, m = len(loop.sequences), len(loop.states)
    sequences, starts, constants = operands[:n], operands[n : n + m], operands[n + m :]
    read = {("constant", k, None): v for k, v in enumerate(constants)}
    before = [
        [start] if state.taps == (-1,) else list(start)
        for state, start in zip(loop.states, starts, strict=True)
    ]
    outputs = [[] for _ in loop.body]
    given = 0 if frozen is None else max(0, len(frozen[0]) - loop.cut)
    for step in range(loop.steps if frozen is None else len(frozen[0])):
        for k, sequence in enumerate(loop.sequences):
            for tap in sequence.taps:
                read["sequence", k, tap] = _moment(loop, sequence, sequences[k], step, tap)
        for k, state in enumerate(loop.states):
            for tap in state.taps:
                read["state", k, tap] = (before[k] + outputs[k])[tap]
        if step < given:
            new = [rows[step] for rows in frozen]
        else:
            known = {}
            new = [value(expr, read, known) for expr in loop.body]
        for rows, made in zip(outputs, new, strict=True):
            rows.append(made)
        if loop.until is not None and frozen is None and value(loop.until, read):
            break
    return outputs


def _moment(loop, sequence, values, step, tap):
    """Give what a tap reads of a sequence: the earliest moment is that of the earliest tap."""
    first, span = tap - min(0, *sequence.taps), sequence.span()
    steps = len(values) - span
    return values[first + (steps - 1 - step if loop.backwards else step)]


SHAPES = {"identity": lambda x: x, "square": np.square, "tanh": np.tanh}


def picked(loop, outputs, read):
    """Give the rows of an output that are looked at, as one array."""
    rows = outputs[read.output]
    rows = np.stack(rows) if rows else np.zeros((0, *loop.body[read.output].shape))
    return rows[slice(None) if read.rows is None else read.rows]


def loss(case, outputs, weights):
    """Compute the weighted sum of all real numbers that are read."""
    total = 0.0
    for read, weight in zip(case.reads, weights, strict=True):
        if case.loop.body[read.output].dtype == "float":
            total = total + np.sum(weight * SHAPES[read.shape](picked(case.loop, outputs, read)))
    return total
