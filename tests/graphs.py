"""Random graphs over what the native backend covers, for tests that compare it with others."""

from dataclasses import dataclass, field

from tests.graph_patterns import EDGES, FINITE, ROWS

import aesara
import aesara.ifelse
import aesara.raise_op
import aesara.tensor as at
import numpy as np
from aesara.scan.utils import until
from aesara.tensor.random import basic
from aesara.tensor.random.utils import RandomStream

LENGTHS = (0, 1, 2, 3, 5, 16, 17, 33)
"""None, one, a few, a vector of 512 bits, and one more than vectors."""

FUNCTIONS = (
    at.arctan, at.sinh, at.cosh, at.arcsinh, at.exp2, at.deg2rad, at.rad2deg, at.erf, at.erfc,
    at.reciprocal, at.log2, at.log10, at.log, at.gammaln, at.gamma, at.arccosh, at.log1mexp,
    at.arcsin, at.arccos, at.arctanh, at.tan, at.psi, at.tri_gamma, at.j0, at.j1, at.real,
    at.isnan, at.isinf,
)  # fmt: skip
ABOVE_ONE = {at.reciprocal, at.log, at.log2, at.log10, at.gamma, at.gammaln, at.arccosh, at.psi,
             at.tri_gamma}  # fmt: skip
NO_GRADIENT = {at.real, at.arctanh, at.tri_gamma, at.j1}
"""Functions whose gradient Aesara does not give, or in terms of what is not covered (jv)."""

ROUNDING = (at.floor, at.ceil, at.trunc, at.sgn, lambda x: at.round(x, mode="half_to_even"),
            lambda x: at.round(x, mode="half_away_from_zero"))  # fmt: skip

UNARY = (at.tanh, at.sigmoid, at.exp, at.sqrt, at.log1p, at.softplus, at.abs, at.square,
         at.neg, at.expm1, at.cos, at.sin)  # fmt: skip
BINARY = (at.add, at.sub, at.mul, at.maximum, at.minimum, at.true_divide)


@dataclass
class Graph:
    """Inputs with values for them, and outputs to compare."""

    inputs: list = field(default_factory=list)
    values: list = field(default_factory=list)
    pool: list = field(default_factory=list)
    story: list = field(default_factory=list)
    dtype: str = "float64"
    stopped: list = field(default_factory=list)
    """Pairs of what no gradient goes through and the same as others read it."""
    edges: list = field(default_factory=list)
    """Results of what is not finite: they are compared, and nothing is computed from them."""
    cut: bool = False
    """Whether a gradient is cut short on purpose, and is no slope."""

    def input(self, value, name):
        variable = at.TensorType(str(value.dtype), value.shape)(name)
        self.inputs.append(variable)
        self.values.append(value)
        self.pool.append((variable, value.shape))
        return variable


class Maker:
    """Draws one graph from a seed."""

    def __init__(self, seed, dtype=None):
        self.rng = np.random.default_rng(seed)
        self.seed, self.taken = seed, seed // 10
        self.graph = Graph()
        drawn = str(self.rng.choice(["float32", "float32", "float64"]))
        self.dtype = dtype or drawn
        self.graph.dtype = self.dtype

    def choice(self, items):
        return items[int(self.rng.integers(len(items)))]

    def next_of(self, items):
        """Give one after the other, from seed to seed: a few hundred graphs take them all."""
        self.taken += 1
        return items[self.taken % len(items)]

    def given(self):
        """Choose an input: it is exact in every way to run a graph, and finite."""
        fits = [
            (v, value.shape)
            for v, value in zip(self.graph.inputs, self.graph.values, strict=True)
            if v.dtype == self.dtype and np.all(np.isfinite(value))
        ]
        return self.choice(fits)

    def drawn(self, items):
        """Choose an expression, and say which."""
        k = int(self.rng.integers(len(items)))
        self.graph.story.append(f"#{k}")
        return items[k]

    def length(self):
        return int(self.choice(LENGTHS[1:] if self.rng.random() < 0.9 else LENGTHS))

    def make(self):
        """Draw inputs, then operations one after the other, and a gradient perhaps."""
        for k in range(int(self.rng.integers(1, 4))):
            shape = tuple(self.length() for _ in range(int(self.rng.integers(1, 4))))
            self.graph.input(self.rng.standard_normal(shape).astype(self.dtype), f"x{k}")
        for _ in range(int(self.rng.integers(2, 9))):
            self.step()
        if self.seed % 10 < 2:
            self.step(("function", "integers")[self.seed % 10])
        outputs = [variable for variable, _ in self.graph.pool[-3:]] + self.graph.edges
        if self.rng.random() < 0.4:
            outputs += self.gradient()
        return self.graph, outputs

    def total(self):
        """Sum the last result up.

        The sum is one of arctan, as 1 / (1 + x²) is exact for a large x, where 1 - tanh(x)² is
        noise in float32.
        """
        floats = [v for v, _ in self.graph.pool if v.dtype == self.dtype]
        return at.sum(at.arctan(floats[-1]))

    def differentiated(self):
        """List the inputs that a gradient is taken of, weights among them."""
        return [x for x in self.graph.inputs if x.dtype == self.dtype]

    def gradient(self):
        """Differentiate the total; what it does not depend on has a gradient of zeros."""
        return at.grad(self.total(), self.differentiated(), disconnected_inputs="ignore")

    def stop(self, value):
        """Let no gradient through a value, and remember it: for a slope it is a constant."""
        stopped = aesara.gradient.disconnected_grad(value)
        self.graph.stopped.append((value, stopped))
        return stopped

    def pick(self, ndim=None):
        fits = [
            (v, s) for v, s in self.graph.pool
            if v.dtype == self.dtype and (ndim is None or len(s) == ndim)
        ]  # fmt: skip
        return self.choice(fits) if fits else None

    def step(self, name=None):
        name = name or self.choice([
            "unary", "unary", "binary", "binary", "broadcast", "shuffle", "reshape", "slice", "set",
            "add_to", "join", "reduce", "reduce", "dot", "softmax", "argmax", "take", "scatter",
            "compare", "scan", "scan", "scan_collect", "nested", "taps", "until", "function",
            "function", "function", "function", "rounding", "rounding", "integers",
            "integers", "booleans", "select", "change", "cumulate", "sort", "diagonal",
            "stacked", "branch", "draw", "noisy_scan", "checked", "pieces", "known", "shapes",
            "cell", "cell", "cell", "table", "table", "tall", "slices", "largest",
            "log_sum", "log_sum", "finite", "finite", "edge", "edge", "rows", "rows",
        ])  # fmt: skip
        made = getattr(self, name)()
        if made is None:
            return
        variable, shape = made
        if int(np.prod(shape)) <= 40_000:
            self.graph.pool.append((variable, tuple(shape)))
            self.graph.story.append(name)

    def unary(self):
        x, shape = self.pick()
        f = self.choice(UNARY)
        if f in (at.sqrt, at.log1p):
            x = at.abs(x)
        # The last bit of an angle of a thousand turns is seen in the fourth digit of its cosine.
        return f(at.tanh(x) if f in (at.exp, at.cos, at.sin) else x), shape

    def binary(self):
        x, shape = self.pick()
        same = [v for v, s in self.graph.pool if s == shape and v.dtype == self.dtype]
        y, f = self.choice(same), self.choice(BINARY)
        return f(x, at.square(y) + 1 if f is at.true_divide else y), shape

    def broadcast(self):
        x, shape = self.pick()
        if not shape:
            return None
        axis = int(self.rng.integers(len(shape)))
        row = at.sum(x, axis=axis, keepdims=True) / (shape[axis] + 1)
        return x * row, shape

    def shuffle(self):
        x, shape = self.pick()
        order = list(self.rng.permutation(len(shape)))
        if len(order) < 4 and self.rng.random() < 0.3:
            order.insert(int(self.rng.integers(len(order) + 1)), "x")
        return x.dimshuffle(*order), [1 if k == "x" else shape[k] for k in order]

    def reshape(self):
        x, shape = self.pick()
        size = int(np.prod(shape))
        if size == 0:
            return None
        divisors = [d for d in range(1, size + 1) if size % d == 0]
        first = self.choice(divisors)
        new = (first, size // first) if self.rng.random() < 0.7 else (size,)
        return x.reshape(new), new

    def indices(self, shape):
        """Draw basic indices, some with steps, some backwards, some a single position."""
        entries, left = [], []
        for n in shape:
            kind = self.rng.random()
            if kind < 0.2 and n:
                entries.append(int(self.rng.integers(-n, n)))
                continue
            start, stop = sorted(int(k) for k in self.rng.integers(0, n + 1, 2))
            step = int(self.choice([1, 1, 1, 2, -1]))
            piece = slice(start, stop, step)
            if step < 0:
                piece = slice(None, None, step)
            if kind > 0.6:
                piece = slice(None)
            entries.append(piece)
            left.append(len(range(*piece.indices(n))))
        return tuple(entries), left

    def slice(self):
        x, shape = self.pick()
        entries, left = self.indices(shape)
        return x[entries], left

    def _changed(self, change):
        x, shape = self.pick()
        entries, _ = self.indices(shape)
        part = at.tanh(x[entries]) + 1
        base = x if self.rng.random() < 0.5 else at.zeros(shape, dtype=self.dtype)
        return change(base[entries], part), shape

    def set(self):
        return self._changed(at.set_subtensor)

    def add_to(self):
        return self._changed(at.inc_subtensor)

    def join(self):
        x, shape = self.pick()
        if not shape:
            return None
        axis = int(self.rng.integers(len(shape)))
        new = list(shape)
        new[axis] = 3 * shape[axis]
        return at.concatenate([x, at.tanh(x), x], axis=axis), new

    def reduce(self):
        x, shape = self.pick()
        if not shape:
            return None
        axes = sorted({int(k) for k in self.rng.integers(0, len(shape), 2)})
        f = at.sum if 0 in shape else self.choice([at.sum, at.max, at.min, at.mean])
        return f(x, axis=axes), [n for k, n in enumerate(shape) if k not in axes]

    def dot(self):
        result = self.pick(ndim=2)
        if result is None:
            return None
        x, (m, k) = result
        n = self.length()
        W = at.constant(self.rng.standard_normal((k, n)).astype(self.dtype) / (k + 1))
        form = self.choice(["plain", "transposed", "gram", "vector"])
        if form == "gram":
            return at.dot(x.T, x) / (m + 1), (k, k)
        if form == "vector":
            return at.dot(x, W[:, :1].sum(1)), (m,)
        if form == "transposed":
            return at.dot(W.T, x.T), (n, m)
        return at.dot(x, W), (m, n)

    def softmax(self):
        x, shape = self.pick()
        if not shape or 0 in shape:
            return None
        f = self.choice([at.special.softmax, at.special.log_softmax])
        return f(x, axis=int(self.rng.integers(len(shape)))), shape

    def argmax(self):
        x, shape = self.pick()
        if not shape or 0 in shape:
            return None
        axis = int(self.rng.integers(len(shape)))
        return at.argmax(x, axis=axis), [n for k, n in enumerate(shape) if k != axis]

    def largest(self):
        """Take the largest and where it is, which one operation gives."""
        x, shape = self.pick()
        if not shape or 0 in shape:
            return None
        axis = int(self.rng.integers(len(shape)))
        largest, place = at.max_and_argmax(x, axis=axis)
        rest = [n for k, n in enumerate(shape) if k != axis]
        return largest + at.cast(place, self.dtype), rest

    def log_sum(self):
        """Take log Σ exp(x), as it is or with the largest taken off before, as losses do."""
        x, shape = self.pick()
        if not shape or 0 in shape:
            return None
        axis = int(self.rng.integers(len(shape)))
        x = 4 * at.tanh(x)
        largest = at.max(x, axis=int(self.rng.integers(len(shape))), keepdims=True)
        off = self.choice([0, 1, 2])
        if off:
            largest = at.max(x, axis=axis, keepdims=True) if off == 2 else largest
            x = x - self.stop(largest)
        total = at.log(at.sum(at.exp(x), axis=axis, acc_dtype=self.dtype, keepdims=True))
        form = self.choice(["sum", "logarithm", "both"])
        if form == "sum":
            return at.sum(total, axis=axis) / 8, [n for k, n in enumerate(shape) if k != axis]
        made = x - total if form == "logarithm" else total + at.special.softmax(x, axis)
        return made / 8, shape

    def take(self):
        x, shape = self.pick()
        if not shape or shape[0] == 0:
            return None
        n = self.length()
        index = at.constant(self.rng.integers(-shape[0], shape[0], n).astype("int64"))
        return x[index], (n, *shape[1:])

    def scatter(self):
        x, shape = self.pick()
        if not shape or shape[0] == 0:
            return None
        n = self.length()
        index = at.constant(self.rng.integers(0, shape[0], n).astype("int64"))
        return at.inc_subtensor(at.zeros(shape, dtype=self.dtype)[index], at.tanh(x[index])), shape

    def compare(self):
        x, shape = self.pick()
        return at.switch(at.gt(x, 0.1) | at.lt(x, -0.5), x, at.sgn(x) * 2), shape

    def _recurrence(self, backwards=False, collect=False, inner=None):
        measured = self.pick(ndim=2) if self.rng.random() < 0.5 else self.pick(ndim=3)
        if measured is None or 0 in measured[1]:
            return None
        x, shape = at.specify_shape(*measured), measured[1]
        n = shape[-1]
        W = at.constant((self.rng.standard_normal((n, n)) / (n + 1)).astype(self.dtype))
        h0 = at.zeros(shape[1:], dtype=self.dtype)

        def body(x_t, h_tm1, W):
            new = at.tanh(x_t + at.dot(h_tm1, W))
            if inner is not None:
                new = new + inner(new)
            return (new, new * x_t, x_t.T) if collect else new

        info = [h0, None, None] if collect else [h0]
        results, _ = aesara.scan(
            body, sequences=[x], outputs_info=info, non_sequences=[W], go_backwards=backwards,
            n_steps=shape[0], strict=True, return_list=True,
        )  # fmt: skip
        if collect:
            return results[0] * results[1] + at.sum(results[2]), shape
        last = self.rng.random() < 0.4
        return (results[0][-1], shape[1:]) if last else (results[0], shape)

    def scan(self):
        return self._recurrence(backwards=self.rng.random() < 0.3)

    def scan_collect(self):
        return self._recurrence(collect=True)

    def nested(self):
        def inner(h):
            results, _ = aesara.scan(
                lambda a: at.tanh(a) * 2, outputs_info=[h], n_steps=3, strict=True
            )
            return results[-1] / 4

        return self._recurrence(inner=inner)

    def taps(self):
        """A loop with a state of two taps, sequence taps, and its gradient cut off perhaps."""
        x, shape = self.pick()
        if not shape or shape[0] < 4 or 0 in shape:
            return None
        x = at.specify_shape(x, shape)
        cut = int(self.choice([-1, -1, 2]))
        self.graph.cut |= cut != -1
        results, _ = aesara.scan(
            lambda x_tm1, x_tp1, a_tm3, a_tm1: at.tanh(x_tm1 - x_tp1 + a_tm3 * 0.5 + a_tm1 * 0.25),
            sequences=[{"input": x, "taps": [-1, 1]}],
            outputs_info=[{"initial": at.zeros((3, *shape[1:]), dtype=self.dtype),
                           "taps": [-3, -1]}],
            truncate_gradient=cut, strict=True,
        )  # fmt: skip
        return results, (shape[0] - 2, *shape[1:])

    def until(self):
        x, shape = self.pick()
        if not shape or 0 in shape:
            return None
        x = at.specify_shape(x, shape)
        top = float(self.rng.uniform(0, 4 * shape[0]))
        results, _ = aesara.scan(
            lambda x_t, n, a: ((n + 1, a * 0.5 + x_t), until(n + 1 > top / 4)),
            sequences=[x], strict=True,
            outputs_info=[at.zeros((), dtype="int64"), at.zeros(shape[1:], dtype=self.dtype)],
        )  # fmt: skip
        # Such a loop has no gradient here: what follows must not ask for it.
        return self.stop(results[1][-1]), shape[1:]

    def function(self):
        x, shape = self.pick()
        f = self.next_of(FUNCTIONS)
        self.graph.story.append(str(f))
        if f in (at.isnan, at.isinf):
            x, shape = self.given()  # next to 0 and 0 differ here
            return at.cast(f(self.stop(at.floor(x)) / 0), self.dtype), shape
        if f in NO_GRADIENT:
            x = self.stop(x)
        safe = at.square(at.tanh(x)) + 1.5 if f in ABOVE_ONE else at.tanh(x) * 0.875
        return f(-at.abs(safe) - 0.125 if f is at.log1mexp else safe), shape

    def rounding(self):
        """Functions with jumps see exact values only: an ulp would be a whole number elsewhere."""
        x, shape = self.given()
        y = at.square(x) + 0.5
        form = int(self.rng.integers(-3, 5))
        if form <= 0:
            return self.choice(ROUNDING)(x), shape
        if form == 1:
            return at.clip(x, -0.5, 0.75) + at.arctan2(x, y), shape
        if form == 2:
            return at.abs(x) ** at.tanh(x), shape
        return at.cast(at.cast(x * 8, "int32") // 3 if form == 3 else x // 0.75, self.dtype), shape

    def integers(self):
        """Integers of every width, going round; the result is a number of this graph's dtype."""
        dtype = str(self.choice(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"]))
        shape = (self.length(), self.length())
        info = np.iinfo(dtype)
        value = self.rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
        if self.rng.random() < 0.5:
            value = (value % 9).astype(dtype)
        constant = at.TensorType(dtype, shape)("n")
        self.graph.inputs.append(constant)
        self.graph.values.append(value)
        other = constant[::-1]
        fs = [
            lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a // b,
            lambda a, b: a % b, lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b,
            lambda a, b: ~a, lambda a, b: -a + b, lambda a, b: abs(a) + b, at.maximum, at.minimum,
            lambda a, b: at.square(a), lambda a, b: a ** at.cast(3, dtype), at.eq, at.neq, at.lt,
            at.ge, at.le, at.gt, lambda a, b: at.switch(a > b, a, b), lambda a, b: at.sgn(a) + b,
            lambda a, b: at.true_divide(a, 7),
            lambda a, b: (at.dot(a, b.T)[:, :1] if shape[0] else b) + a,
            lambda a, b: at.sum(a, axis=0) + b, lambda a, b: at.prod(a, axis=1, keepdims=True) + b,
            lambda a, b: at.cumsum(at.cast(a, "int64"), axis=1), lambda a, b: at.sort(a, axis=1),
        ]  # fmt: skip
        f = self.next_of(fs)
        self.graph.pool.append((f(constant, other), shape))
        return at.cast(at.cast(constant, "int8"), self.dtype), shape

    def booleans(self):
        x, shape = self.pick()
        a, b = x > 0.25, x < 0.75
        f = self.choice(
            [lambda: a & ~b, lambda: a | b, lambda: a ^ b, lambda: a + b, lambda: a * b]
        )
        if shape and self.rng.random() < 0.3:
            return at.cast(self.choice([at.all, at.any])(f(), axis=0), self.dtype), shape[1:]
        return at.switch(f(), x, at.cast(at.invert(a), self.dtype)), shape

    def _positions(self, shape):
        """Draw index vectors for two axes, with a slice between them perhaps."""
        n = self.length()
        pieces = [
            at.constant(self.rng.integers(-length, length, n).astype("int64"))
            for length in (shape[0], shape[-1])
        ]
        middle = [slice(None)] * (len(shape) - 2)
        return (pieces[0], *middle, pieces[1]), n

    def select(self):
        x, shape = self.pick()
        if len(shape) < 2 or 0 in shape:
            return None
        index, n = self._positions(shape)
        return x[index], (n, *shape[1:-1])

    def change(self):
        x, shape = self.pick()
        if len(shape) < 2 or 0 in shape:
            return None
        index, _ = self._positions(shape)
        return at.inc_subtensor(x[index], at.tanh(x[index])), shape

    def cumulate(self):
        x, shape = self.pick()
        if not shape:
            return None
        axis = int(self.rng.integers(len(shape)))
        total = at.cumsum(x, axis=axis) / (shape[axis] + 1)
        return (total if self.rng.random() < 0.7 else at.cumprod(at.tanh(x), axis=axis)), shape

    def sort(self):
        x, shape = self.given()
        axis = int(self.rng.integers(len(shape)))
        if self.rng.random() < 0.5:
            return at.cast(at.argsort(x, axis=axis), self.dtype) / shape[axis], shape
        return self.stop(at.sort(x, axis=axis)), shape

    def diagonal(self):
        result = self.pick(ndim=2)
        if result is None:
            return None
        x, (n, m) = result
        form = int(self.rng.integers(3))
        if form == 0 and min(n, m):
            return at.diagonal(x), (min(n, m),)
        if form == 1 and n and m:
            return at.fill_diagonal(x, 0.5), (n, m)
        return at.basic.AllocDiag()(x[:, 0] if m else at.zeros(n, dtype=self.dtype)), (n, n)

    def stacked(self):
        result = self.pick(ndim=3)
        if result is None:
            return None
        x, (b, n, m) = result
        f = self.choice([at.matmul, at.batched_dot])
        x = at.specify_shape(x, (b, n, m))  # which Aesara's matmul insists on
        value = f(x, x.transpose(0, 2, 1)) / (m + 1)
        # Aesara's matmul has no gradient.
        return (value if f is at.batched_dot else self.stop(value)), (
            b,
            n,
            n,
        )

    def branch(self):
        x, shape = self.pick()
        taken = at.gt(at.sum(self.graph.inputs[0]), 0.1)
        return aesara.ifelse.ifelse(taken, at.tanh(x) * 2, at.exp(-at.square(x))), shape

    def draw(self):
        x, shape = self.pick()
        stream = RandomStream(seed=int(self.rng.integers(1000)))
        mask = stream.bernoulli(0.5, size=shape)
        noise = stream.normal(size=shape) + stream.uniform(size=shape)
        return x * mask + at.cast(noise, self.dtype), shape

    def noisy_scan(self):
        x, shape = self.pick()
        if not shape or 0 in shape:
            return None
        x = at.specify_shape(x, shape)
        rng = aesara.shared(np.random.default_rng(int(self.rng.integers(1000))))

        def body(x_t, h, rng):
            new, mask = basic.bernoulli(0.5, size=shape[1:], rng=rng).owner.outputs
            return [h * 0.5 + at.cast(x_t * mask, self.dtype)], {rng: new}

        results, _ = aesara.scan(
            body, sequences=[x], outputs_info=[at.zeros(shape[1:], dtype=self.dtype)],
            non_sequences=[rng], strict=True,
        )  # fmt: skip
        return self.stop(results), shape

    def checked(self):
        x, shape = self.pick()
        return aesara.raise_op.Assert("finite")(x, at.all(at.eq(x, x))), shape

    def pieces(self):
        x, shape = self.pick()
        if not shape or shape[0] < 2:
            return None
        a, b = at.split(x, [1, shape[0] - 1], 2, axis=0)
        # Aesara's gradient of a + b needs to be told that a is repeated.
        return at.specify_shape(a, (1, *shape[1:])) + b, (shape[0] - 1, *shape[1:])

    def known(self):
        """Arrays that are known while building, and numbers put side by side."""
        n, m = self.length(), self.length()
        form = int(self.rng.integers(4))
        if form == 0:
            return at.eye(n, m, dtype=self.dtype), (n, m)
        if form == 1:
            return at.tri(n, m, dtype=self.dtype), (n, m)
        if form == 2:
            return at.cast(at.arange(n), self.dtype) / (n + 1), (n,)
        x, _ = self.pick()
        return at.stack([at.sum(x), at.sum(at.tanh(x))]), (2,)

    def shapes(self):
        x, shape = self.pick()
        y = at.specify_shape(x, shape)
        return at.broadcast_to(y, (2, *shape)), (2, *shape)

    def weights(self, *shape):
        """Give small weights: mostly an input, to be learned, else a constant."""
        value = (self.rng.standard_normal(shape) / (shape[0] + 1) ** 0.5).astype(self.dtype)
        if self.rng.random() < 0.7:
            return self.graph.input(value, f"w{len(self.graph.inputs)}")
        return at.constant(value)

    def numbers(self, low, high, shape):
        """Give whole numbers to look something up with."""
        value = self.rng.integers(low, high, shape)
        if self.rng.random() < 0.5:
            return at.constant(value.astype("int64"))
        variable = at.TensorType("int32", shape)("n")
        self.graph.inputs.append(variable)
        self.graph.values.append(value.astype("int32"))
        return variable

    def _sequence(self):
        """Give a sequence (T, B, n): of the pool, one-hot vectors, or rows of a table."""
        form = self.choice(["given", "one-hot", "rows"])
        results = self.pick(ndim=3)
        if form == "given" and results is not None and 0 not in results[1]:
            return at.specify_shape(*results), results[1]
        T, B, n = (self.choice(k) for k in ((1, 2, 3, 9), (1, 3, 8, 17), (2, 3, 16, 33)))
        if form == "one-hot":
            index = self.numbers(-1, n + 1, (T, B))
            return at.eq(index[..., None], at.arange(n)).astype(self.dtype), (T, B, n)
        height = self.choice((2, 5, 60))
        x = self.weights(height, n)[self.numbers(-height, height, (T, B))]
        return at.specify_shape(x, (T, B, n)), (T, B, n)

    def cell(self):
        """A recurrent network as people write them, forwards or backwards."""
        x, (T, B, n) = self._sequence()
        H = self.choice((1, 3, 16, 17))
        kind = self.choice(["rnn", "rnn", "gru", "lstm"])
        gates = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
        W_x, W_h, b = (
            self.weights(n, gates * H),
            self.weights(H, gates * H),
            self.weights(gates * H),
        )
        activation = self.choice([at.tanh, lambda z: at.maximum(z, 0)])
        inside = self.rng.random() < 0.5
        step = {"rnn": _rnn(activation), "gru": _gru(H, activation), "lstm": _lstm(H)}[kind]

        def body(x_t, *rest):
            *states, W_x, W_h, b = rest
            results = step(at.dot(x_t, W_x) if inside else x_t, *states, W_h, b)
            return [at.specify_shape(v, (B, H)) for v in results]

        cut = min(T, int(self.choice([-1, -1, -1, 1, 2])))
        self.graph.cut |= cut != -1
        start = at.zeros((B, H), dtype=self.dtype)
        starts = [self.weights(B, H) if self.rng.random() < 0.3 else start]
        starts += [start, None, None] if kind == "lstm" else []
        results, _ = aesara.scan(
            body, sequences=[x if inside else at.dot(x, W_x)], outputs_info=starts,
            non_sequences=[W_x, W_h, b], strict=True, return_list=True,
            go_backwards=self.rng.random() < 0.3,
            truncate_gradient=cut,
        )  # fmt: skip
        if kind == "lstm" and self.rng.random() < 0.5:
            self.graph.pool.append((results[1] * results[2], (T, B, H)))
        if self.rng.random() < 0.3:
            return results[0][-1], (B, H)
        return results[0], (T, B, H)

    def table(self):
        """Rows of a table, times weights: E[x] W and one_hot(x) W, and what is added to rows."""
        picked = self.pick(ndim=2) if self.rng.random() < 0.5 else None
        height, n = picked[1] if picked else (self.choice((2, 5, 17)), self.choice((2, 3, 16, 33)))
        if height == 0:
            return None
        E = picked[0] if picked else self.weights(height, n)
        length, H = self.choice((1, 4, 17, 40)), self.choice((1, 3, 17))
        index, W = self.numbers(0, height, (length,)), self.weights(n, H)
        form = int(self.rng.integers(5))
        if form == 0:
            hot = at.eq(index[:, None], at.arange(height)).astype(self.dtype)
            return at.dot(hot, E), (length, n)
        if form == 1:
            gathered = at.reshape(E[index].T, (n, length))
            return at.dot(gathered, self.weights(length, H)) / length, (n, H)
        if form == 2:
            wide = self.choice((H, H + 2)) if H == 1 else H
            zeros = at.zeros((height, wide), dtype=self.dtype)
            return at.inc_subtensor(zeros[index], at.dot(E[index], W)), (height, wide)
        if form == 3:
            # Each row is read by two readers that add to it.
            return E[index] * 2 + at.tanh(E[index][:, ::-1]), (length, n)
        return at.dot(E[index], W), (length, H)

    def tall(self):
        """Reductions over the leading axes of an array of many rows and columns."""
        shape = self.choice([(130, 270), (300, 20), (3, 140, 17), (2, 3, 300), (600, 3)])
        x = self.weights(*shape)
        axes = self.choice([(0,), (1,), tuple(range(len(shape) - 1)), tuple(range(len(shape)))])
        f = self.choice([at.sum, at.sum, at.mean, at.max])
        if self.rng.random() < 0.5:
            x = at.tanh(x) * x
        return f(x, axis=axes), [n for k, n in enumerate(shape) if k not in axes]

    def finite(self):
        """What people write that a rewrite may take for something else."""
        x, shape = self.pick()
        x = at.tanh(x)
        made = self.drawn(FINITE)(x, at.sin(2 * x), shape, self.rng)
        return made and (at.cast(made[0], self.dtype), made[1])

    def edge(self):
        """What is not finite, nothing, or the least there is."""
        n, m = self.length(), self.length()
        values = self.rng.choice([1.5, -2, 0, -0.0, np.nan, np.inf, -np.inf, 800, -1], (2, n, m))
        x, y = (self.graph.input(v.astype(self.dtype), "e") for v in values)
        del self.graph.pool[-2:]
        self.graph.edges.append(self.drawn(EDGES)(x, y))

    def rows(self):
        """Rows that are set and added to, some of them named twice."""
        x, shape = self.pick()
        if not shape or shape[0] == 0:
            return None
        i = self.numbers(-shape[0], shape[0], (self.length(),))
        x = at.specify_shape(x, shape)
        return self.drawn(ROWS)(x, i), shape

    def slices(self):
        """Slices of slices, and a position of a slice."""
        x, shape = self.pick()
        n = shape[0] if shape else 0
        if not n:
            return None
        walked = range(n)
        for _ in range(2):
            bounds = sorted(int(k) for k in self.rng.integers(-n, n + 1, 2))
            piece = slice(*bounds, int(self.choice([1, 1, 2])))
            if self.rng.random() < 0.3:
                piece = slice(None, None, int(self.choice([-1, -2])))
            x, walked = x[piece], walked[piece]
        if len(walked) and self.rng.random() < 0.4:
            return x[int(self.rng.integers(-len(walked), len(walked)))], shape[1:]
        return x, (len(walked), *shape[1:])


def _rnn(activation):
    """h_t = f(x_t + h_{t-1} W_h + b)"""
    return lambda x_t, h, W_h, b: [activation(x_t + at.dot(h, W_h) + b)]


def _gru(H, activation):
    """Three products of one state, and one of what a gate lets through."""

    def step(x_t, h, W_h, b):
        x_t = x_t + b
        r = at.sigmoid(x_t[:, :H] + at.dot(h, W_h[:, :H]))
        u = at.sigmoid(x_t[:, H : 2 * H] + at.dot(h, W_h[:, H : 2 * H]))
        c = activation(x_t[:, 2 * H :] + at.dot(r * h, W_h[:, 2 * H :]))
        return [u * h + (1 - u) * c]

    return step


def _lstm(H):
    """Two states, and two gates as extra outputs."""

    def step(x_t, h, c, W_h, b):
        z = x_t + at.dot(h, W_h) + b
        i, f, o = (at.sigmoid(z[:, k * H : (k + 1) * H]) for k in range(3))
        c = f * c + i * at.tanh(z[:, 3 * H :])
        return [o * at.tanh(c), c, i, o]

    return step
