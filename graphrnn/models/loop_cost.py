"""Chooses how to loop a network: the way that takes least time, build and steps together.

    total = build + steps · step

    build   scan: a_0 + a_1 n,  by k: a_0 + a_1 n k,  unrolled: a_0 + a_1 n T + a_2 (n T)^2
    step    c_0 + c_1 T B P + c_2 T P + c_3 T B A + c_4 T

with n operations in a step, P weights in matrices, A columns of matrices, T steps of B sequences.
The factors were fitted, none below zero, to what `scripts/fit_loops.py` measured on the native
backend; they are those of one machine, but the choice hangs on their ratios.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from graphrnn.graph.loops import Loop, scanned
from graphrnn.graph.shapes import Step, Tensor, tensor
from graphrnn.models import Model, Sizes

import aesara.tensor as at
from aesara.graph.basic import io_toposort

Factors = Mapping[str, Mapping[str, Sequence[float]]]
"""For each way to loop, the factors of its build and of its step."""

WAYS = ("scan", "unrolled", "4")


@dataclass(frozen=True)
class Work:
    """What a training step does: T steps of B sequences, n operations in a step, P, A as above."""

    time: int
    batch: int
    nodes: int
    weights: int
    columns: int


def build_terms(way: str, work: Work) -> list[float]:
    """Return the terms of a build, to be multiplied by its factors."""
    copies = {"scan": 1, "unrolled": work.time}.get(way) or int(way)
    nodes = work.nodes * copies
    return [1, nodes, nodes**2] if way == "unrolled" else [1, nodes]


def step_terms(work: Work) -> list[float]:
    """Return the terms of a step."""
    T, B, P, A = work.time, work.batch, work.weights, work.columns
    return [1, T * B * P, T * P, T * B * A, T]


def dot(terms: Sequence[float], factors: Sequence[float]) -> float:
    """Sum up terms."""
    return sum(term * factor for term, factor in zip(terms, factors, strict=True))


@dataclass(frozen=True)
class Choice:
    """A way to loop, and the seconds that each way is expected to take."""

    loop: str
    seconds: Mapping[str, float]
    steps: int

    def __str__(self) -> str:
        """Describe what was chosen and why."""
        others = [
            f"{_name(way)} {_about(s)}" for way, s in self.seconds.items() if way != self.loop
        ]
        return (
            f"{_name(self.loop)}: build and {self.steps:,} steps take about "
            f"{_about(self.seconds[self.loop])} ({', '.join(others)})"
        )


def _name(way: str) -> str:
    return f"by {way}" if way.isdigit() else way


def _about(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def choose(work: Work, steps: int, factors: Factors | None = None) -> Choice:
    """Choose the way that is expected to take least time; scan, where they take the same.

    Example:
        >>> lstm = Work(time=64, batch=64, nodes=30, weights=300_000, columns=1_200)
        >>> choose(lstm, steps=100).loop
        'scan'
    """
    factors = fitted() if factors is None else factors
    ways = [way for way in WAYS if not way.isdigit() or work.time % int(way) == 0]
    seconds = {
        way: dot(build_terms(way, work), factors[way]["build"])
        + steps * dot(step_terms(work), factors[way]["step"])
        for way in ways
    }
    return Choice(min(ways, key=lambda way: seconds[way]), seconds, steps)


@cache
def fitted() -> Factors:
    """Return the factors that were fitted."""
    text = (files("graphrnn.models") / "loop_costs.json").read_text(encoding="utf-8")
    factors: Factors = json.loads(text)["factors"]
    return factors


def work_of(model: Model, sizes: Sizes, *, time: int, batch: int, dtype: str = "float32") -> Work:
    """Count what a network does; its step is built once for it, and nothing is compiled."""
    shapes = model.weight_shapes(sizes)
    matrices = [shape for shape in shapes.values() if len(shape) == 2]
    counter = _Counter()
    weights = {name: tensor(name, dtype, shape) for name, shape in shapes.items()}
    widths = {**model.masks(sizes)}
    weights |= {name: tensor(name, dtype, (batch, n)) for name, n in widths.items()}
    states = [at.zeros((batch, n), dtype=dtype) for n in model.state_widths(sizes).values()]
    model.forward(tensor("x", "int32", (time, batch)), states, weights, counter.loop)
    return Work(
        time,
        batch,
        counter.nodes,
        sum(n_in * n_out for n_in, n_out in matrices),
        sum(n_out for _, n_out in matrices),
    )


class _Counter:
    """A driver that scans, and counts the operations of each step that it is given."""

    def __init__(self) -> None:
        self.nodes = 0

    @property
    def loop(self) -> Loop:
        """Return the driver."""

        def loop(
            step: Step,
            sequences: Sequence[Tensor],
            states: Sequence[Tensor],
            constants: Sequence[Tensor] = (),
        ) -> list[Tensor]:
            counts = []

            def counted(*arguments: Tensor) -> Tensor | Sequence[Tensor]:
                outputs = step(*arguments)
                flat = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
                counts.append(len(io_toposort(list(arguments), flat)))
                return outputs

            results = scanned(counted, sequences, states, constants)
            self.nodes += max(counts)
            return results

        return loop
