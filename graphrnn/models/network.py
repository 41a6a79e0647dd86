"""A model becomes three compiled functions: one that trains, one that evaluates, one that steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphrnn.backends.compile import BuildEvent, Function, Report, compile_graph, silent
from graphrnn.errors import UserError
from graphrnn.graph import losses, updates
from graphrnn.graph.initial import Array
from graphrnn.graph.loops import LOOPS, Loop
from graphrnn.graph.shapes import Tensor, tensor
from graphrnn.models import Model, Sizes, Weights, numpy_bptt
from graphrnn.native.phases import Phase

import aesara
import aesara.tensor as at
import numpy as np

GraphSpec = tuple[Sequence[Tensor], Sequence[Tensor], updates.Updates]
"""Inputs, outputs and updates."""

Graph = Callable[[], GraphSpec]


def share(weights: Mapping[str, Array]) -> dict[str, Tensor]:
    """Build a shared variable of each array, with its shape known to the graph.

    Example:
        >>> import numpy as np
        >>> share({"b_h": np.zeros(3, "float32")})["b_h"].type.shape
        (3,)
    """
    return {
        name: aesara.shared(value, name=name, shape=value.shape) for name, value in weights.items()
    }


@dataclass(frozen=True)
class OptimizerConfig:
    """How gradients become updates: an optimizer of `updates`, its options, and limits."""

    name: str = "sgd"
    options: Mapping[str, float] = field(default_factory=dict)
    clip: float | None = None
    clip_value: float | None = None

    @property
    def plain(self) -> bool:
        """Return whether it is plain SGD, without anything that looks at all gradients."""
        return self == OptimizerConfig()

    def updates(
        self, grads: Sequence[Tensor], params: Sequence[Tensor], learning_rate: Tensor
    ) -> updates.Updates:
        """Return the new values of all parameters from their gradients."""
        if self.clip_value is not None:
            grads = updates.clipped_by_value(grads, self.clip_value)
        if self.clip is not None:
            grads = updates.clipped(grads, self.clip)
        optimizer = updates.optimizer_named(self.name)
        return optimizer(params, grads, learning_rate, **self.options)


PLAIN_SGD = OptimizerConfig()


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

    @property
    def params(self) -> list[Tensor]:
        """The weights that gradients move."""
        return [w for name, w in self.weights.items() if name not in self.model.statistics]

    def carried_states(self, batch: int) -> dict[str, Tensor]:
        """Create shared states `(B, H)` that the compiled functions carry from call to call."""
        widths = self.model.state_widths(self.sizes)
        return share({name: np.zeros((batch, n), self.dtype) for name, n in widths.items()})

    def zero_states(self, batch: int) -> list[Tensor]:
        """Return the initial states `(B, H)`, all zero."""
        states = []
        for name, width in self.model.state_widths(self.sizes).items():
            state = at.zeros((batch, width), dtype=self.dtype)
            state.name = f"{name}_0"
            states.append(state)
        return states

    def evaluation_weights(self, batch: int) -> Weights:
        """Return the weights in evaluation mode: with dropout masks of ones, rewritten away."""
        widths = self.model.masks(self.sizes)
        masks = {name: at.ones((batch, n), dtype=self.dtype) for name, n in widths.items()}
        return {**self.weights, **masks}

    def compile_train(
        self,
        *,
        time: int,
        batch: int,
        optimizer: OptimizerConfig = PLAIN_SGD,
        carried: Weights | None = None,
        norm: bool = False,
        report: Report = silent,
    ) -> Function:
        """Compile f(x, y, learning_rate, *masks) → loss, accuracy; a call takes one step.

        Shapes: x, y `(T, B)` int32, learning_rate a scalar, dropout masks `(B, width)`. The
        loss is in nats per sequence, before the step; accuracy is from 0 to 1. The initial state is
        zero, or `carried`, which is then left at the state after the sequence. With `norm`, the
        global norm of the gradients, before they are clipped, is a third output.

        Raises:
            UserError: the model is trained by hand, by plain SGD only, and another was asked.
        """
        if self.model.by_hand:
            return self._train_by_hand(optimizer, norm, report)

        def graph() -> GraphSpec:
            return self.training_graph(
                time=time, batch=batch, optimizer=optimizer, carried=carried, norm=norm
            )

        return self.compiled(graph, "train", report)

    def training_graph(
        self,
        *,
        time: int,
        batch: int,
        optimizer: OptimizerConfig = PLAIN_SGD,
        carried: Weights | None = None,
        norm: bool = False,
    ) -> GraphSpec:
        """Build what `compile_train` compiles: inputs, outputs and updates."""
        x, y = tensor("x", "int32", (time, batch)), tensor("y", "int32", (time, batch))
        learning_rate = tensor("learning_rate", self.dtype, ())
        widths = self.model.masks(self.sizes)
        masks = {name: tensor(name, self.dtype, (batch, n)) for name, n in widths.items()}
        states = list(carried.values()) if carried else self.zero_states(batch)
        logits, after, statistics = self._learn(x, states, {**self.weights, **masks})
        loss = losses.summed(losses.cross_entropy(logits, self.targets(y)))
        accuracy = losses.accuracy(logits, self.targets(y))
        loss.name, accuracy.name = "loss", "accuracy"
        grads = updates.gradients(loss, self.params)
        norms = [updates.global_norm(grads)] if norm else []
        step = optimizer.updates(grads, self.params, learning_rate)
        step += [(self.weights[name], value) for name, value in statistics.items()]
        step += list(zip(states, after, strict=True)) if carried else []
        return [x, y, learning_rate, *masks.values()], [loss, accuracy, *norms], step

    def _learn(
        self, x: Tensor, states: list[Tensor], weights: Weights
    ) -> tuple[Tensor, list[Tensor], dict[str, Tensor]]:
        """Build the model's graph as it is while training."""
        if self.model.learn is not None:
            return self.model.learn(x, states, weights, self.loop)
        return (*self.model.forward(x, states, weights, self.loop), {})

    def targets(self, y: Tensor) -> Tensor:
        """Return the targets of the predictions that the model makes: all of them, or the last."""
        time = y.type.shape[0]
        predictions = self.model.predictions(time)
        return y if predictions == time else y[time - predictions :]

    def compile_evaluate(
        self, *, time: int, batch: int, carried: Weights | None = None, report: Report = silent
    ) -> Function:
        """Compile f(x, y) → loss in nats per prediction, accuracy; no weight is changed by it."""
        if self.model.by_hand:
            return self._evaluate_by_hand(report)

        def graph() -> GraphSpec:
            x, y = tensor("x", "int32", (time, batch)), tensor("y", "int32", (time, batch))
            states = list(carried.values()) if carried else self.zero_states(batch)
            logits, after = self.model.forward(x, states, self.evaluation_weights(batch), self.loop)
            loss = losses.mean(losses.cross_entropy(logits, self.targets(y)))
            step = list(zip(states, after, strict=True)) if carried else []
            return [x, y], [loss, losses.accuracy(logits, self.targets(y))], step

        return self.compiled(graph, "evaluate", report)

    def compile_step(self, *, time: int = 1, report: Report = silent) -> Function:
        """Compile f(x, *states) → logits, *states for one character, or a window, of one text.

        Shapes: x `(T, 1)` int32, states `(1, H)`, logits `(T', 1, V)`.
        """

        def graph() -> GraphSpec:
            x = tensor("x", "int32", (time, 1))
            widths = self.model.state_widths(self.sizes)
            before = [tensor(name, self.dtype, (1, width)) for name, width in widths.items()]
            # One step needs no loop: unrolled once, it is the bare cell.
            logits, after = self.model.forward(
                x, before, self.evaluation_weights(1), LOOPS["unrolled"]
            )
            return [x, *before], [logits, *after], []

        return self.compiled(graph, "step", report)

    def compiled(self, graph: Graph, name: str, report: Report) -> Function:
        """Compile a graph as this network is to be run."""
        return compile_graph(
            graph,
            name=name,
            backend=self.backend,
            threads=self.threads,
            report=report,
            floats=str(self.dtype),
        )

    def _train_by_hand(self, optimizer: OptimizerConfig, norm: bool, report: Report) -> Function:
        """As `compile_train`, by the passes in `reference`."""
        if optimizer != PLAIN_SGD:
            raise UserError(
                f"--optimizer: {self.model.name} is trained by NumPy and plain SGD alone; "
                "leave out other optimizers, --momentum and --clip"
            )
        forward, backward = numpy_bptt.NETWORKS[self.model.by_hand or ""]
        report(BuildEvent("train", Phase.READY, detail="NumPy, backpropagation by hand"))

        def train(x: Any, y: Any, learning_rate: Any) -> list[Any]:
            weights = {n: w.get_value(borrow=True) for n, w in self.weights.items()}
            done = forward(weights, x, y)
            grads = backward(weights, x, y, done)
            moved = numpy_bptt.sgd(weights, grads, float(learning_rate))
            for name, value in moved.items():
                self.weights[name].set_value(value, borrow=True)
            norms = [np.sqrt(sum(np.sum(np.square(g)) for g in grads.values()))] if norm else []
            return [np.asarray(done.loss, self.dtype), (done.p.argmax(-1) == y).mean(), *norms]

        return train

    def _evaluate_by_hand(self, report: Report) -> Function:
        """As `compile_evaluate`, by the forward pass in `reference`."""
        forward, _ = numpy_bptt.NETWORKS[self.model.by_hand or ""]
        report(BuildEvent("evaluate", Phase.READY, detail="NumPy"))

        def evaluate(x: Any, y: Any) -> list[Any]:
            weights = {n: w.get_value(borrow=True) for n, w in self.weights.items()}
            done = forward(weights, x, y)
            return [
                np.asarray(done.loss / len(x), self.dtype),
                (done.p.argmax(-1) == y).mean(),
            ]

        return evaluate
