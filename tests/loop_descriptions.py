"""Random loops as data: what `loop_graphs` builds in Aesara and `loop_interpreter` runs in NumPy.

A description holds no variable of Aesara's and no array: names of operations, shapes and numbers.
"float" stands for the dtype of the case, which is float64 wherever slopes are taken.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

UNARY = ("tanh", "sigmoid", "sin", "cos", "neg", "square_of_tanh", "softplus", "log_of_square",
         "root", "exp_of_tanh", "arctan", "erf")  # fmt: skip
BINARY = ("add", "add", "sub", "mul", "mul", "maximum", "minimum", "divide")
LENGTHS = (2, 3, 4, 5)
"""Of the axes of states: an axis of one is broadcast, which scan refuses."""
STEPS = (0, 1, 1, 2, 3, 3, 4, 5, 6, 9)
STATE_TAPS = ((-1,),) * 6 + ((-2, -1), (-3, -1), (-3,), (-2,), (-1, -2), (-4, -2, -1))
SEQUENCE_TAPS = ((0,),) * 6 + ((-1, 0), (-1, 1), (0, 1, 2), (-2,), (1,), (-3, 0), (1, -1))


@dataclass(frozen=True)
class Expr:
    """One value of a step: an operation on others, or something read."""

    op: str
    args: tuple = ()
    shape: tuple = ()
    dtype: str = "float"
    data: Any = None

    def __str__(self):
        if self.op == "read":
            kind, k, tap = self.data
            return f"{kind[0]}{k}" + (f"[{tap:+d}]" if tap is not None else "")
        if self.op in ("number", "whole"):
            return str(self.data)
        if self.op == "loop":
            loop, output, how = self.data
            operands = ", ".join(map(str, self.args))
            return f"{how} of output {output} of <{loop} | operands {operands}>"
        data = "" if self.data is None else f"{self.data}; "
        return f"{self.op}({data}{', '.join(map(str, self.args))})"


@dataclass(frozen=True)
class Sequence:
    """What a loop walks along; the shape is that of one moment."""

    shape: tuple
    dtype: str = "float"
    taps: tuple = (0,)
    surplus: int = 0

    def span(self):
        """Count the moments that taps need beyond the number of steps."""
        return max(0, *self.taps) - min(0, *self.taps)


@dataclass(frozen=True)
class State:
    """What a step hands to the next: by its place, or by an update of a shared variable."""

    shape: tuple
    dtype: str = "float"
    taps: tuple = (-1,)
    start: str = "input"
    """input, zeros, same (the first state's), carried (shared, updated by the last row), inside."""

    def rows(self):
        """Count the rows before the first step; a single tap of one step needs no axis of time."""
        return -min(self.taps)

    def start_shape(self):
        """Give the shape of what the loop is started with."""
        return self.shape if self.taps == (-1,) else (self.rows(), *self.shape)


@dataclass(frozen=True)
class Loop:
    """A loop: its operands, and the values that a step gives."""

    form: str
    steps: int
    sequences: tuple
    states: tuple
    constants: tuple
    body: tuple
    """The new states in their order, then what is only collected."""
    until: Expr | None = None
    backwards: bool = False
    known: bool = True
    """Whether the number of steps is given, or follows from the sequences."""
    cut: int = -1

    def length(self, sequence):
        """Give the number of moments of a sequence."""
        return self.steps + sequence.span() + sequence.surplus

    def __str__(self):
        sequences = ", ".join(f"{s.dtype}{list(s.shape)}{list(s.taps)}+{s.surplus}"
                              for s in self.sequences)  # fmt: skip
        states = ", ".join(f"{s.dtype}{list(s.shape)}{list(s.taps)} from {s.start}"
                           for s in self.states)  # fmt: skip
        flags = [name for name in ("backwards", "known") if getattr(self, name)]
        flags += [f"cut {self.cut}"] if self.cut != -1 else []
        flags += [f"until {self.until}"] if self.until else []
        body = "; ".join(map(str, self.body))
        return (f"{self.form} {self.steps} steps {' '.join(flags)} | sequences {sequences} | "
                f"states {states} | constants {list(self.constants)} | step {body}")  # fmt: skip


@dataclass(frozen=True)
class Read:
    """Which rows of an output are looked at, and what the loss makes of them."""

    output: int
    rows: Any = None
    """None for all of them, a number for one, else a slice."""
    shape: str = "identity"


@dataclass(frozen=True)
class Case:
    """A loop, what is read of it, and how often that is differentiated."""

    seed: int
    loop: Loop
    reads: tuple
    order: int
    dtype: str
    data: int = field(default=0)

    def __str__(self):
        reads = ", ".join(f"{r.output}[{r.rows}] {r.shape}" for r in self.reads)
        return f"{self.dtype} order {self.order} | reads {reads} | {self.loop}"


class Drawer:
    """Draws one case from a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng([seed, 16])
        self.seed = seed
        self.m, self.n = (int(k) for k in self.rng.choice(LENGTHS, 2))
        self.leaves = []
        self.depth, self.small = 0, False

    def choice(self, items):
        return items[int(self.rng.integers(len(items)))]

    def chance(self, share):
        return bool(self.rng.random() < share)

    def shape(self):
        return self.choice([(), (self.n,), (self.n,), (self.m,), (self.m, self.n)])

    def case(self):
        """Draw a loop and what is asked of it."""
        order = self.choice([0, 0, 0, 1, 1, 1, 1, 1, 1, 2])
        # Second gradients take a second to rewrite where a first takes a tenth: those stay small.
        self.small = order == 2
        loop = self.loop(order)
        floats = [k for k, e in enumerate(loop.body) if e.dtype == "float"]
        visible = [k for k, e in enumerate(loop.body) if not self._hidden(loop, k)]
        reads = [Read(k, self.rows(loop), self.choice(["identity", "square", "tanh"]))
                 for k in visible if self.chance(0.8)]  # fmt: skip
        if not any(r.output in floats for r in reads):
            reads += [Read(k, self.rows(loop), "square") for k in visible[-1:]]
        if "prod(" in str(loop):
            order = min(order, 1)  # Aesara refuses the second gradient of a product
        exact = order == 2 or self.chance(0.6)
        return Case(self.seed, loop, tuple(reads), order, "float64" if exact else "float32")

    def _hidden(self, loop, k):
        return k < len(loop.states) and loop.states[k].start == "inside"

    def rows(self, loop):
        """Draw which rows are read; how many a loop with a condition gives is known only later."""
        if loop.until is not None:
            return -1
        if loop.steps == 0:
            return None
        first = int(self.rng.integers(-loop.steps, loop.steps))
        part = slice(*sorted(int(k) for k in self.rng.integers(0, loop.steps + 1, 2)))
        return self.choice([None, None, None, -1, -1, first, part, slice(None, None, -1),
                            slice(-2, None)])  # fmt: skip

    def loop(self, order=0):
        """Draw a loop over fresh operands."""
        inner = self.depth > 0
        form = self.choice(["scan"] * 5 + ["scanned", "scanned", "unrolled"] + ["by"] * (not inner))
        raw = form == "scan"
        steps = self.choice(STEPS if raw and not inner else (1, 2, 3, self.n))
        steps = self.choice((2, 4)) if form == "by" else min(steps, 3) if self.small else steps
        message = not raw or steps < 2 or self.chance(0.6)
        sequences = tuple(self.sequence(raw, message) for _ in range(self.choice((0, 1, 1, 2))))
        if not raw and not sequences:
            sequences = (self.sequence(raw, message),)
        message = message or not sequences
        sequences = sequences[:1] if self.small else sequences
        states = self.states(raw, steps)
        constants = tuple(self.constant() for _ in range(self.choice((0, 1, 1))))
        backwards = raw and bool(sequences) and self.chance(0.25)
        until = raw and not inner and steps > 0 and self.chance(0.15)
        cut = self.choice((1, 2, 3)) if raw and order == 1 and self.chance(0.15) else -1
        cut = -1 if until or steps < 2 else min(cut, steps)
        before, self.leaves = self.leaves, []
        self._leaves(sequences, states, constants)
        self.depth += 1
        body = self.body(states)
        condition = self.condition(steps) if until else None
        self.depth -= 1
        self.leaves = before
        return Loop(form, steps, sequences, states, constants, body, condition, backwards, message,
                    cut)  # fmt: skip

    def sequence(self, raw, known):
        taps = self.choice(SEQUENCE_TAPS) if raw and self.depth == 0 else (0,)
        dtype = self.choice(["float", "float", "float", "float", "int64", "bool"])
        surplus = self.choice((0, 0, 1, 2)) if raw and known and self.depth == 0 else 0
        return Sequence(self.shape(), dtype, taps, surplus)

    def states(self, raw, steps):
        """Draw states; often several that begin at the same value."""
        if self.chance(0.3):
            shape, start = self.shape(), self.choice(["zeros", "same"])
            count = 2 if self.small else self.choice((2, 2, 3))
            first = State(shape, "float", (-1,), "input" if start == "same" else start)
            return first, *(State(shape, "float", (-1,), start) for _ in range(count - 1))
        return tuple(self.state(raw, steps) for _ in range(self.choice((0, 1, 1, 2))))

    def state(self, raw, steps):
        dtype = self.choice(["float"] * 5 + ["int64", "bool"])
        starts = ["input", "input", "zeros"]
        if self.depth == 0 and steps > 0:
            starts += ["carried"] if raw else []
            starts += ["inside"] if raw and dtype == "float" else []
        start = self.choice(starts)
        plain = not raw or start in ("carried", "inside")
        return State(self.shape(), dtype, (-1,) if plain else self.choice(STATE_TAPS), start)

    def constant(self):
        return self.choice([(), (self.n,), (self.n, self.n), (self.m, self.n), (self.n, self.m)])

    def _leaves(self, sequences, states, constants):
        """List all that a step may read."""
        for kind, items in (("sequence", sequences), ("state", states)):
            for k, item in enumerate(items):
                self.leaves += [Expr("read", (), item.shape, item.dtype, (kind, k, tap))
                                for tap in item.taps]  # fmt: skip
        self.leaves += [Expr("read", (), shape, "float", ("constant", k, None))
                        for k, shape in enumerate(constants)]  # fmt: skip

    def body(self, states):
        """Draw the new states, then what is collected."""
        new = [self.new_state(k, state) for k, state in enumerate(states)]
        count = self.choice((0, 0, 1, 1 if self.small else 2)) if states else self.choice((1, 2))
        count = count or int(all(state.start == "inside" for state in states))
        extras = [self.typed(self.choice(["float"] * 5 + ["int64", "bool"]), self.shape())
                  for _ in range(count)]  # fmt: skip
        if len(states) > 1 and self.chance(0.3):
            extras.append(self.total(new))
        if extras and self.chance(0.1):
            extras.append(extras[0])
        return tuple(new + extras)

    def total(self, values):
        """Add up what is of one shape with the first, as a reading of all states does."""
        same = [v for v in values if (v.shape, v.dtype) == (values[0].shape, "float")]
        total = same[0] if same else Expr("number", data=0.5)
        for value in same[1:]:
            total = Expr("add", (total, value), total.shape)
        return total

    def new_state(self, k, state):
        """Draw how a state goes on: bounded, and different from state to state."""
        if state.dtype != "float":
            return self.typed(state.dtype, state.shape)
        tap = self.choice(state.taps)
        old = Expr("read", (), state.shape, "float", ("state", k, tap))
        other = self.typed("float", state.shape)
        keep = Expr("number", data=self.choice((0.9, 0.5, 0.25, -0.75)))
        form = self.choice(["leak", "leak", "tanh", "gate", "still"])
        if form == "leak":
            kept = Expr("mul", (keep, old), state.shape)
            return Expr("add", (kept, Expr("tanh", (other,), state.shape)), state.shape)
        if form == "gate":
            gate = Expr("sigmoid", (self.typed("float", state.shape),), state.shape)
            kept = Expr("mul", (gate, old), state.shape)
            return Expr("add", (kept, Expr("tanh", (other,), state.shape)), state.shape)
        if form == "still" and self.chance(0.3):
            return self.choice([old, *self._fitting("float", state.shape)])
        mixed = Expr("add", (other, old), state.shape)
        return Expr("tanh", (mixed,), state.shape)

    def condition(self, steps):
        """Draw when a loop ends: often by a count or a sum that crosses a bound."""
        value = self.reduced("sum", self.typed("float", (self.n,), 2))
        bound = Expr("number", data=float(np.round(self.rng.uniform(-1.5, 1.5), 3)))
        return Expr(self.choice(["greater", "less"]), (value, bound), (), "bool")

    def _fitting(self, dtype, shape):
        return [e for e in self.leaves if (e.dtype, e.shape) == (dtype, shape)]

    def typed(self, dtype, shape, depth=2):
        """Draw a value of a dtype and shape."""
        depth = min(depth, 1) if self.small else depth
        if dtype == "int64":
            return self.integer(shape, depth)
        return self.boolean(shape, depth) if dtype == "bool" else self.real(shape, depth)

    def leaf(self, shape):
        """Read something of a shape, or broadcast what has another."""
        fits = self._fitting("float", shape)
        if fits:
            return self.choice(fits)
        smaller = [e for e in self.leaves if e.dtype == "float" and self._spreads(e.shape, shape)]
        if smaller:
            return Expr("spread", (self.choice(smaller),), shape, data=shape)
        whole = [e for e in self.leaves if e.dtype == "float" and e.shape]
        if whole:
            total = self.reduced("mean", self.choice(whole))
            return total if shape == () else Expr("spread", (total,), shape, data=shape)
        number = Expr("number", data=float(np.round(self.rng.uniform(-1, 1), 2)))
        return number if shape == () else Expr("spread", (number,), shape, data=shape)

    @staticmethod
    def _spreads(small, shape):
        return len(small) < len(shape) and tuple(shape[len(shape) - len(small) :]) == tuple(small)

    def real(self, shape, depth=3):
        """Draw a real value."""
        if depth <= 0 or self.chance(0.15):
            return self.leaf(shape)
        kinds = [
            "unary",
            "unary",
            "binary",
            "binary",
            "binary",
            "scale",
            "switch",
            "integer_as_real",
        ]
        kinds += ["reduce"] if shape == () else ["turn", "roll", "put", "part", "softmax"]
        kinds += ["product"] if len(shape) else ["lookup"]
        kinds += ["product", "column_sum", "row"] if len(shape) == 1 else []
        kinds += ["product", "outer"] if len(shape) == 2 else []
        kinds += ["inner"] if self.depth == 1 else []
        return getattr(self, self.choice(kinds))(shape, depth - 1)

    def unary(self, shape, depth):
        return Expr(self.choice(UNARY), (self.real(shape, depth),), shape)

    def binary(self, shape, depth):
        args = [self.real(shape, depth), self.real(self.choice([shape, shape[1:], ()]), depth)]
        if self.chance(0.3):
            args.reverse()
        return Expr(self.choice(BINARY), tuple(args), shape)

    def scale(self, shape, depth):
        number = Expr("number", data=self.choice((2.0, 0.5, -1.0, 0.1, 3.0)))
        return Expr("mul", (number, self.real(shape, depth)), shape)

    def switch(self, shape, depth):
        test = self.boolean(self.choice([shape, ()]), depth)
        return Expr("switch", (test, self.real(shape, depth), self.real(shape, depth)), shape)

    def integer_as_real(self, shape, depth):
        return Expr("to_float", (self.integer(shape, depth),), shape)

    def reduced(self, op, value, axis=None):
        shape = () if axis is None else value.shape[:axis] + value.shape[axis + 1 :]
        return Expr(op, (value,), shape, "float", axis)

    def reduce(self, shape, depth):
        value = self.real(self.choice([(self.n,), (self.m, self.n)]), depth)
        op = self.choice(["sum", "sum", "mean", "max", "min", "prod"])
        return self.reduced(op, value)

    def column_sum(self, shape, depth):
        if shape == (self.n,):
            return self.reduced(self.choice(["sum", "mean", "max", "prod"]),
                                self.real((self.m, self.n), depth), 0)  # fmt: skip
        return self.reduced("sum", self.real((*shape, self.n), depth), 1)

    def turn(self, shape, depth):
        return Expr("turn", (self.real(shape, depth),), shape)

    def roll(self, shape, depth):
        return Expr("roll", (self.real(shape, depth),), shape)

    def put(self, shape, depth):
        """Set, or add to, one row."""
        row = int(self.rng.integers(shape[0]))
        args = (self.real(shape, depth), self.real(shape[1:], depth))
        return Expr(self.choice(["set_row", "add_row"]), args, shape, "float", row)

    def part(self, shape, depth):
        """Join two slices at some place."""
        place = int(self.rng.integers(shape[0] + 1))
        args = (self.real(shape, depth), self.real(shape, depth))
        return Expr("join_at", args, shape, "float", place)

    def softmax(self, shape, depth):
        op = self.choice(["softmax", "log_softmax"])
        return Expr(op, (self.real(shape, depth),), shape)

    def product(self, shape, depth):
        k = self.choice((self.n, self.m))
        if len(shape) == 1:
            left, right = self.real((k,), depth), self.leaf((k, *shape))
        else:
            left, right = self.real((shape[0], k), depth), self.leaf((k, shape[1]))
        return Expr("dot", (left, right), shape)

    def outer(self, shape, depth):
        return Expr("outer", (self.real(shape[:1], depth), self.real(shape[1:], depth)), shape)

    def row(self, shape, depth):
        """Look a row of a matrix up by an integer."""
        table = self.real((self.choice((self.m, self.n)), *shape), depth)
        return Expr("row", (table, self.integer((), depth)), shape, "float", table.shape[0])

    def lookup(self, shape, depth):
        table = self.real((self.n,), depth)
        return Expr("row", (table, self.integer((), depth)), shape, "float", self.n)

    def inner(self, shape, depth):
        """Draw a loop within a step, whose operands are values of the step."""
        before = self.depth, self.m, self.n
        loop = self.loop()
        self.depth, self.m, self.n = before
        fits = [k for k, e in enumerate(loop.body) if (e.dtype, e.shape) == ("float", shape)]
        if not fits:
            return self.leaf(shape)
        args = [self.typed(s.dtype, (loop.length(s), *s.shape), 0) for s in loop.sequences]
        args += self.starts(loop)
        args += [self.leaf(c) for c in loop.constants]
        how = self.choice(["last", "sum"])
        return Expr("loop", tuple(args), shape, "float", (loop, self.choice(fits), how))

    def starts(self, loop):
        """Draw what the states of an inner loop start with."""
        drawn = []
        for state in loop.states:
            shape = state.start_shape()
            if state.start == "zeros":
                op, kind = ("number", 0.0) if state.dtype == "float" else ("whole", 0)
                zero = Expr(op, (), (), "float" if op == "number" else "int64", kind)
                zero = zero if state.dtype != "bool" else Expr("greater", (zero, zero), (), "bool")
                drawn.append(Expr("spread", (zero,), shape, state.dtype, shape))
            elif state.start == "same" and drawn:
                drawn.append(drawn[0])
            else:
                drawn.append(self.typed(state.dtype, shape, 0))
        return drawn

    def boolean(self, shape, depth=2):
        fits = self._fitting("bool", shape)
        if fits and self.chance(0.4):
            return self.choice(fits)
        if depth > 0 and self.chance(0.3):
            op = self.choice(["and", "or", "xor"])
            args = (self.boolean(shape, depth - 1), self.boolean(shape, depth - 1))
            return Expr(op, args, shape, "bool")
        if depth > 0 and self.chance(0.3):
            return Expr("not", (self.boolean(shape, depth - 1),), shape, "bool")
        if self.chance(0.3):
            args = (self.integer(shape, depth - 1), Expr("whole", data=1, dtype="int64"))
            return Expr(self.choice(["greater", "equal"]), args, shape, "bool")
        number = Expr("number", data=float(np.round(self.rng.uniform(-0.5, 0.5), 3)))
        return Expr(self.choice(["greater", "less"]), (self.real(shape, depth - 1), number),
                    shape, "bool")  # fmt: skip

    def integer(self, shape, depth=2):
        """Draw a small whole number."""
        fits = self._fitting("int64", shape)
        size = Expr("whole", data=self.choice((2, 3, 5)), dtype="int64")
        if fits and self.chance(0.7):
            value = self.choice(fits)
        else:
            test = self.boolean(shape, depth - 1) if depth > 0 else None
            value = Expr("whole", data=1, dtype="int64") if test is None else test
            value = Expr("to_int", (value,), value.shape, "int64")
            if value.shape != shape:
                value = Expr("spread", (value,), shape, "int64", shape)
        step = Expr("whole", data=self.choice((1, 2, 3)), dtype="int64")
        value = Expr(self.choice(["add", "mul", "sub"]), (value, step), shape, "int64")
        return Expr("mod", (value, size), shape, "int64")
