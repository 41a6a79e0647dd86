"""Random loops built in Aesara from their descriptions, by raw scan or by this package's loops."""

from dataclasses import dataclass, field

from graphrnn.graph import loops
from graphrnn.graph.shapes import with_shape
from tests import loop_interpreter

import aesara
import aesara.tensor as at
import numpy as np
from aesara.scan.utils import until


def _join(place, x, y):
    return at.concatenate([x[:place], y[place:]])


PLAIN = {
    "tanh": at.tanh, "sin": at.sin, "cos": at.cos, "neg": at.neg, "arctan": at.arctan,
    "erf": at.erf, "sigmoid": at.sigmoid, "softplus": at.softplus,
    "square_of_tanh": lambda x: at.square(at.tanh(x)),
    "log_of_square": lambda x: at.log(x * x + 1.5),
    "root": lambda x: at.sqrt(1 + x**2),
    "exp_of_tanh": lambda x: at.exp(at.tanh(x)),
    "add": at.add, "sub": at.sub, "mul": at.mul, "mod": at.mod,
    "maximum": at.maximum, "minimum": at.minimum,
    "divide": lambda x, y: x / (1 + y * y),
    "switch": at.switch, "and": at.and_, "or": at.or_, "xor": at.xor,
    "not": at.invert, "greater": at.gt, "less": at.lt, "equal": at.eq,
    "to_int": lambda x: at.cast(x, "int64"),
    "turn": lambda x: x[::-1], "roll": lambda x: at.concatenate([x[1:], x[:1]]),
    "softmax": lambda x: at.special.softmax(x, axis=-1),
    "log_softmax": lambda x: at.log(at.special.softmax(x, axis=-1)),
    "dot": at.dot, "outer": at.outer,
}  # fmt: skip

WITH_DATA = {
    "spread": lambda shape, x: at.broadcast_to(x, shape),
    "sum": lambda axis, x: at.sum(x, axis=axis),
    "mean": lambda axis, x: at.mean(x, axis=axis),
    "max": lambda axis, x: at.max(x, axis=axis),
    "min": lambda axis, x: at.min(x, axis=axis),
    "prod": lambda axis, x: at.prod(x, axis=axis),
    "set_row": lambda row, x, y: at.set_subtensor(x[row], y),
    "add_row": lambda row, x, y: at.inc_subtensor(x[row], y),
    "join_at": _join,
    "row": lambda length, x, k: x[k % length],
}


@dataclass
class Values:
    """The numbers of a case in float64, drawn from its seed."""

    sequences: list
    starts: list
    constants: list
    weights: list
    along: list
    """A direction through all that a gradient is taken of, and a second one."""
    across: list


@dataclass
class Built:
    """The graph of a case."""

    inputs: list = field(default_factory=list)
    values: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    updates: list = field(default_factory=list)
    shared: list = field(default_factory=list)
    """Shared variables with what they begin with."""


def values_of(case):
    """Draw the numbers of a case."""
    rng, loop = np.random.default_rng([case.seed, 61]), case.loop

    def drawn(dtype, shape):
        if dtype == "bool":
            return rng.random(shape) < 0.5
        if dtype == "int64":
            return rng.integers(0, 5, shape)
        # The graph of float32 sees the same numbers.
        return rng.standard_normal(shape).astype("float32").astype("float64")

    sequences = [drawn(s.dtype, (loop.length(s), *s.shape)) for s in loop.sequences]
    starts = []
    for state in loop.states:
        value = np.asarray(drawn(state.dtype, state.start_shape()))
        value = np.zeros_like(value) if state.start == "zeros" else value
        starts.append(starts[0] if state.start == "same" and starts else value)
    constants = [drawn("float", shape) / (1 + len(shape)) for shape in loop.constants]
    outputs = loop_interpreter.run(loop, [*sequences, *starts, *constants])
    weights = [rng.standard_normal(np.shape(loop_interpreter.picked(loop, outputs, read)))
               for read in case.reads]  # fmt: skip
    wrt = [np.shape(v) for v in differentiated(case, sequences, starts, constants)]
    return Values(sequences, starts, constants, weights,
                  *([rng.standard_normal(shape) for shape in wrt] for _ in range(2)))  # fmt: skip


def places(case):
    """List the operands, by kind and place, that a gradient is taken of."""
    loop = case.loop
    results = [("sequence", k) for k, s in enumerate(loop.sequences) if s.dtype == "float"]
    results += [("start", k) for k, s in enumerate(loop.states)
              if s.dtype == "float" and s.start in ("input", "carried")]  # fmt: skip
    return results + [("constant", k) for k in range(len(loop.constants))]


def differentiated(case, sequences, starts, constants):
    """Pick the operands that a gradient is taken of."""
    kinds = {"sequence": sequences, "start": starts, "constant": constants}
    return [kinds[kind][k] for kind, k in places(case)]


def value(expr, read, dtype, known):
    """Build an expression; `read` gives what is read, by kind, place and tap."""
    if id(expr) in known:
        return known[id(expr)]
    if expr.op == "read":
        result = read[expr.data]
    elif expr.op in ("number", "whole"):
        result = at.constant(np.asarray(expr.data, dtype if expr.op == "number" else "int64"))
    else:
        args = [value(arg, read, dtype, known) for arg in expr.args]
        if expr.op == "loop":
            loop, output, how = expr.data
            n, m = len(loop.sequences), len(loop.states)
            made, _ = looped(loop, args[:n], args[n : n + m], args[n + m :], dtype)
            result = made[output][-1] if how == "last" else at.sum(made[output], axis=0)
        elif expr.op == "to_float":
            result = at.cast(args[0], dtype)
        elif expr.op in PLAIN:
            result = PLAIN[expr.op](*args)
        else:
            result = WITH_DATA[expr.op](expr.data, *args)
    known[id(expr)] = result
    return result


def looped(loop, sequences, starts, constants, dtype):
    """Build a loop; gives its outputs, and updates of shared variables that its step asks for."""
    if loop.form == "scan":
        return _raw(loop, sequences, starts, constants, dtype)
    kinds = [("sequence", k, 0) for k in range(len(sequences))]
    kinds += [("state", k, -1) for k in range(len(starts))]
    kinds += [("constant", k, None) for k in range(len(constants))]

    def step(*arguments):
        read, known = dict(zip(kinds, arguments, strict=True)), {}
        return [with_shape(value(e, read, dtype, known), e.shape) for e in loop.body]

    driver = {"scanned": loops.scanned, "unrolled": loops.unrolled, "by": loops.by(2)}[loop.form]
    messages = [with_shape(v, (loop.steps, *s.shape))
            for v, s in zip(sequences, loop.sequences, strict=True)]  # fmt: skip
    begun = [with_shape(v, s.shape) for v, s in zip(starts, loop.states, strict=True)]
    fixed = [with_shape(v, shape) for v, shape in zip(constants, loop.constants, strict=True)]
    return driver(step, messages, begun, fixed), {}


def _raw(loop, sequences, starts, constants, dtype):
    """Build a loop by Aesara's own scan."""
    handed = [k for k, s in enumerate(loop.states) if s.start != "inside"]
    inside = [k for k, s in enumerate(loop.states) if s.start == "inside"]
    kinds = [("sequence", k, tap) for k, s in enumerate(loop.sequences) for tap in s.taps]
    kinds += [("state", k, tap) for k in handed for tap in loop.states[k].taps]
    kinds += [("constant", k, None) for k in range(len(constants))]

    def step(*arguments):
        read, known = dict(zip(kinds, arguments, strict=True)), {}
        read.update({("state", k, -1): starts[k] for k in inside})
        made = [value(e, read, dtype, known) for e in loop.body]
        changed = {starts[k]: made[k] for k in inside}
        given = [v for k, v in enumerate(made) if k not in inside]
        if loop.until is None:
            return given, changed
        return given, changed, until(value(loop.until, read, dtype, known))

    info = [starts[k] if loop.states[k].taps == (-1,)
            else {"initial": starts[k], "taps": list(loop.states[k].taps)}
            for k in handed]  # fmt: skip
    info += [None] * (len(loop.body) - len(loop.states))
    results, updates = aesara.scan(
        step,
        sequences=[{"input": v, "taps": list(s.taps)}
                   for v, s in zip(sequences, loop.sequences, strict=True)],
        outputs_info=info,
        non_sequences=list(constants),
        n_steps=loop.steps if loop.known else None,
        go_backwards=loop.backwards,
        truncate_gradient=loop.cut,
        return_list=True,
    )  # fmt: skip
    results = iter(results)
    return [None if k in inside else next(results) for k in range(len(loop.body))], dict(updates)


def built(case, values):
    """Build the graph of a case."""
    made, loop = Built(), case.loop

    def given(array, name):
        array = array.astype(case.dtype) if array.dtype == "float64" else array
        variable = at.TensorType(str(array.dtype), array.shape)(name)
        made.inputs.append(variable)
        made.values.append(array)
        return variable

    sequences = [given(v, f"x{k}") for k, v in enumerate(values.sequences)]
    starts = []
    zeros = {}
    for k, (state, start) in enumerate(zip(loop.states, values.starts, strict=True)):
        if state.start == "zeros":
            kind = state.dtype.replace("float", case.dtype), start.shape
            starts.append(zeros.setdefault(kind, at.zeros(start.shape, dtype=kind[0])))
        elif state.start == "same" and starts:
            starts.append(starts[0])
        elif state.start in ("carried", "inside"):
            start = start.astype(case.dtype) if state.dtype == "float" else start
            starts.append(aesara.shared(start.copy(), name=f"s{k}", shape=start.shape))
            made.shared.append((starts[-1], start))
        else:
            starts.append(given(start, f"h{k}"))
    constants = [given(v, f"w{k}") for k, v in enumerate(values.constants)]
    results, updates = looped(loop, sequences, starts, constants, case.dtype)
    made.updates = list(updates.items())
    made.updates += [(starts[k], results[k][-1]) for k, s in enumerate(loop.states)
                     if s.start == "carried"]  # fmt: skip
    made.outputs = _asked(case, values, results, differentiated(case, sequences, starts, constants))
    return made


def _asked(case, values, results, wrt):
    """Build what is read, the loss and its gradients."""
    read, total = [], at.constant(np.asarray(0, case.dtype))
    for one, weight in zip(case.reads, values.weights, strict=True):
        part = results[one.output]
        part = part if one.rows is None else part[one.rows]
        read.append(part)
        if case.loop.body[one.output].dtype == "float":
            shaped = {"identity": lambda x: x, "square": at.square, "tanh": at.tanh}[one.shape]
            total = total + at.sum(at.constant(weight.astype(case.dtype)) * shaped(part))
    asked, scalar = [total], total
    for way in (values.along, values.across)[: case.order if wrt else 0]:
        result = aesara.grad(scalar, wrt, disconnected_inputs="ignore")
        weighted = [at.sum(g * at.constant(w.astype(case.dtype)))
                    for g, w in zip(result, way, strict=True)]  # fmt: skip
        asked, scalar = asked + result, sum(weighted)
    return read + asked
