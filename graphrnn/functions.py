"""A model becomes three compiled functions: one that trains, one that evaluates, one that steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from graphrnn import losses, updates
from graphrnn.backends import Function, Report, compile_graph, silent
from graphrnn.initial import Array
from graphrnn.loops import LOOPS, Loop
from graphrnn.models import Model, Sizes, Weights
from graphrnn.shapes import Tensor, tensor

import aesara
import aesara.tensor as at

Graph = Callable[[], tuple[Sequence[Tensor], Sequence[Tensor], updates.Updates]]


def share(weights: Mapping[str, Array]) -> dict[str, Tensor]:
    """Make a shared variable of each array, with its shape known to the graph.

    Example:
        >>> import numpy as np
        >>> share({"b_h": np.zeros(3, "float32")})["b_h"].type.shape
        (3,)
    """
    return {
        name: aesara.shared(value, name=name, shape=value.shape) for name, value in weights.items()
    }


@dataclass(frozen=True)
class Network:
    """A model with weights, a way to loop it and a backend: what the functions are made of."""

    model: Model
    sizes: Sizes
    weights: Weights
    loop: Loop = LOOPS["scan"]
    backend: str = "auto"
    threads: int | None = None

    @property
    def dtype(self) -> str:
        """The precision of the weights."""
        return str(next(iter(self.weights.values())).dtype)

    def _zero_states(self, batch: int) -> list[Tensor]:
        """Give the initial states `(B, H)`, all zero."""
        states = []
        for name, width in self.model.state_widths(self.sizes).items():
            state = at.zeros((batch, width), dtype=self.dtype)
            state.name = f"{name}_0"
            states.append(state)
        return states

    def train(
        self,
        *,
        time: int,
        batch: int,
        momentum: float = 0.0,
        clip: float | None = None,
        report: Report = silent,
    ) -> Function:
        """Compile f(x, y, rate) → loss, accuracy; a call takes one step of SGD.

        Shapes: x, y `(T, B)` int32, rate a scalar. The loss is in nats per sequence, before the
        step; accuracy is from 0 to 1. The initial state is zero.
        """

        def graph() -> tuple[Sequence[Tensor], Sequence[Tensor], updates.Updates]:
            x, y = tensor("x", "int32", (time, batch)), tensor("y", "int32", (time, batch))
            rate = tensor("rate", self.dtype, ())
            logits, _ = self.model.forward(x, self._zero_states(batch), self.weights, self.loop)
            loss = losses.summed(losses.cross_entropy(logits, y))
            params = list(self.weights.values())
            grads = updates.gradients(loss, params)
            if clip is not None:
                grads = updates.clipped(grads, clip)
            if momentum > 0:
                step = updates.momentum(params, grads, rate, momentum)
            else:
                step = updates.sgd(params, grads, rate)
            return [x, y, rate], [loss, losses.accuracy(logits, y)], step

        return self._compiled(graph, "train", report)

    def evaluate(self, *, time: int, batch: int, report: Report = silent) -> Function:
        """Compile f(x, y) → loss in nats per character, accuracy; it changes nothing."""

        def graph() -> tuple[Sequence[Tensor], Sequence[Tensor], updates.Updates]:
            x, y = tensor("x", "int32", (time, batch)), tensor("y", "int32", (time, batch))
            logits, _ = self.model.forward(x, self._zero_states(batch), self.weights, self.loop)
            loss = losses.mean(losses.cross_entropy(logits, y))
            return [x, y], [loss, losses.accuracy(logits, y)], []

        return self._compiled(graph, "evaluate", report)

    def step(self, *, report: Report = silent) -> Function:
        """Compile f(x, *states) → logits, *states for one character of one text.

        Shapes: x `(1, 1)` int32, states `(1, H)`, logits `(1, 1, V)`.
        """

        def graph() -> tuple[Sequence[Tensor], Sequence[Tensor], updates.Updates]:
            x = tensor("x", "int32", (1, 1))
            widths = self.model.state_widths(self.sizes)
            before = [tensor(name, self.dtype, (1, width)) for name, width in widths.items()]
            # One step needs no loop: unrolled once, it is the bare cell.
            logits, after = self.model.forward(x, before, self.weights, LOOPS["unrolled"])
            return [x, *before], [logits, *after], []

        return self._compiled(graph, "step", report)

    def _compiled(self, graph: Graph, name: str, report: Report) -> Function:
        """Compile a graph as this network is to be run."""
        return compile_graph(
            graph, name=name, backend=self.backend, threads=self.threads, report=report
        )
