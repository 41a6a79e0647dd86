"""Random graphs over what the native backend covers, for tests that compare it with Aesara."""

from dataclasses import dataclass, field

import aesara
import aesara.tensor as at
import numpy as np

LENGTHS = (0, 1, 2, 3, 5, 16, 17, 33)
"""None, one, a few, a vector of 512 bits, and one more than vectors."""

UNARY = (at.tanh, at.sigmoid, at.exp, at.sqrt, at.log1p, at.softplus, at.abs, at.sgn, at.square,
         at.neg, at.expm1, at.cos, at.sin, at.floor, at.ceil)  # fmt: skip
BINARY = (at.add, at.sub, at.mul, at.maximum, at.minimum, at.true_divide)


@dataclass
class Graph:
    """Inputs with values for them, and outputs to compare."""

    inputs: list = field(default_factory=list)
    values: list = field(default_factory=list)
    pool: list = field(default_factory=list)
    story: list = field(default_factory=list)

    def input(self, value, name):
        variable = at.TensorType(str(value.dtype), value.shape)(name)
        self.inputs.append(variable)
        self.values.append(value)
        self.pool.append((variable, value.shape))
        return variable


class Maker:
    """Draws one graph from a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.graph = Graph()
        self.dtype = str(self.rng.choice(["float32", "float32", "float64"]))

    def choice(self, items):
        return items[int(self.rng.integers(len(items)))]

    def length(self):
        return int(self.choice(LENGTHS[1:] if self.rng.random() < 0.9 else LENGTHS))

    def make(self):
        """Draw inputs, then operations one after the other, and a gradient perhaps."""
        for k in range(int(self.rng.integers(1, 4))):
            shape = tuple(self.length() for _ in range(int(self.rng.integers(1, 4))))
            self.graph.input(self.rng.standard_normal(shape).astype(self.dtype), f"x{k}")
        for _ in range(int(self.rng.integers(2, 9))):
            self.step()
        outputs = [variable for variable, _ in self.graph.pool[-3:]]
        if self.rng.random() < 0.4:
            outputs += self.gradient()
        return self.graph, outputs

    def gradient(self):
        """Differentiate the sum of the last result with respect to the first input."""
        floats = [v for v, _ in self.graph.pool if v.dtype == self.dtype]
        total = at.sum(at.tanh(floats[-1]))
        x = self.graph.inputs[0]
        return [at.grad(total, x, disconnected_inputs="ignore")]

    def pick(self, ndim=None):
        fits = [
            (v, s) for v, s in self.graph.pool
            if v.dtype == self.dtype and (ndim is None or len(s) == ndim)
        ]  # fmt: skip
        return self.choice(fits) if fits else None

    def step(self):
        name = self.choice([
            "unary", "unary", "binary", "binary", "broadcast", "shuffle", "reshape", "slice", "set",
            "add_to", "join", "reduce", "reduce", "dot", "softmax", "argmax", "take", "scatter",
            "compare", "scan", "scan", "scan_collect", "nested",
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
        return f(at.abs(x) if f in (at.sqrt, at.log1p) else at.tanh(x) if f is at.exp else x), shape

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
        if not shape or 0 in shape:
            return None
        axes = sorted({int(k) for k in self.rng.integers(0, len(shape), 2)})
        f = self.choice([at.sum, at.max, at.min, at.mean])
        return f(x, axis=axes), [n for k, n in enumerate(shape) if k not in axes]

    def dot(self):
        found = self.pick(ndim=2)
        if found is None:
            return None
        x, (m, k) = found
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
        found = self.pick(ndim=2) if self.rng.random() < 0.5 else self.pick(ndim=3)
        if found is None or 0 in found[1]:
            return None
        x, shape = found
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
