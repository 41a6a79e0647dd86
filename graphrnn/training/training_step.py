"""One training step: calls the compiled function on a batch and returns loss and gradient norm."""

import json
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from graphrnn.backends.compile import Function, Report, silent
from graphrnn.data import batches
from graphrnn.errors import UserError
from graphrnn.models import Weights
from graphrnn.models.from_settings import network_of, optimizer_of
from graphrnn.models.network import Network
from graphrnn.runs.checkpoint import Checkpoint
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import Data

import numpy as np

NORM_FROM = 256
"""Characters in a batch from which on the norm of the gradients costs nothing worth naming.

A step on fewer, by plain SGD, would take a fifth longer: there each gradient goes straight into its
weight, and is never whole. The norm is then taken of how far the weights moved, where it is logged.
"""


class Taken(NamedTuple):
    """The results of a step: nats per prediction, accuracy, and the gradient norm if known."""

    loss: float
    accuracy: float
    gradient_norm: float | None


def outputs_norm(settings: TrainSettings) -> bool:
    """Return whether the compiled step returns the norm of the gradients."""
    return not optimizer_of(settings).plain or settings.time * settings.batch >= NORM_FROM


def reset(carried: Weights) -> None:
    """Set carried states to zero."""
    for state in carried.values():
        state.set_value(np.zeros_like(state.get_value(borrow=True)))


def state_of(function: Function, network: Network) -> dict[str, Any]:
    """Return the shared variables of a step other than weights: optimizer state, carried states.

    Raises:
        RuntimeError: two of them have the same name, so that a file could not hold both.
    """
    weights = {id(w) for w in network.weights.values()}
    shared = function.get_shared() if hasattr(function, "get_shared") else []  # none in NumPy's own
    state = [variable for variable in shared if id(variable) not in weights]
    named = {variable.name: variable for variable in state}
    if len(named) != len(state) or None in named:
        raise RuntimeError(f"shared variables of a step need names of their own: {state}")
    return named


@dataclass
class TrainingStep:
    """A compiled step with all the state that it reads and changes.

    Attributes:
        carried: States that go from batch to batch, where the text is read as streams.
        state: The optimizer state and the carried states, by name: what a checkpoint holds.
        batch: The batch of the last step.
    """

    settings: TrainSettings
    network: Network
    function: Function
    reader: batches.Reader
    carried: Weights
    state: dict[str, Any]
    batch: batches.Batch | None = None

    @classmethod
    def compile(
        cls, settings: TrainSettings, data: Data, report: Report = silent
    ) -> "TrainingStep":
        """Draw the weights and compile the function."""
        rng = np.random.default_rng(settings.seed)
        network = network_of(settings, len(data.vocabulary), rng)
        windows = recipe_for(settings.model).windows
        carried = network.carried_states(settings.batch) if windows == "streams" else {}
        function = network.compile_train(
            time=settings.time,
            batch=settings.batch,
            optimizer=optimizer_of(settings),
            carried=carried,
            norm=outputs_norm(settings),
            report=report,
        )
        reader = batches.Reader(data.train, settings.time, settings.batch, windows, rng)
        return cls(settings, network, function, reader, carried, state_of(function, network))

    @property
    def rng(self) -> np.random.Generator:
        """The only generator of the run: for its initial weights, order and dropout."""
        return self.reader.rng

    def take(self, learning_rate: float, *, measured: bool) -> Taken:
        """Read a batch and take a step; if `measured`, compute the norm where it is no output."""
        if self.reader.begins:
            reset(self.carried)
        self.batch = self.reader.read()
        before = self._weights() if measured and not outputs_norm(self.settings) else None
        rate = np.asarray(learning_rate, dtype=self.settings.dtype)
        loss, accuracy, *norms = self.function(*self.batch, rate, *self._masks())
        norm = float(norms[0]) if norms else None
        if before is not None:
            norm = self._moved(before) / float(rate) if rate else None
        predictions = self.network.model.predictions(self.settings.time)
        return Taken(float(loss) / predictions, float(accuracy), norm)

    def _weights(self) -> list[Any]:
        """Return copies of the trained weights."""
        return [param.get_value() for param in self.network.params]

    def _moved(self, before: list[Any]) -> float:
        """Return how far the weights moved, as one vector: √(Σ ‖W - W before‖²)."""
        moved = zip(self.network.params, before, strict=True)
        return float(np.sqrt(sum(
            np.sum(np.square(param.get_value(borrow=True) - old), dtype=np.float64)
            for param, old in moved
        )))  # fmt: skip

    def _masks(self) -> list[Any]:
        """Draw the dropout masks of a batch: 0, or 1 / (1 - dropout) so that the mean stays."""
        widths, share = self.network.model.masks(self.network.sizes), self.settings.dropout or 0.0
        scale = np.asarray(1 / (1 - share), dtype=self.settings.dtype)
        return [
            (self.rng.random((self.settings.batch, n), dtype=np.float32) >= share) * scale
            for n in widths.values()
        ]

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore weights, state, position in the text and generator from a checkpoint.

        Raises:
            UserError: its tensors do not fit the settings.
        """
        position = checkpoint.header.position
        assert position is not None
        for kind, values in (
            (self.network.weights, checkpoint.weights),
            (self.state, checkpoint.state),
        ):
            got = {name: (value.shape, str(value.dtype)) for name, value in values.items()}
            needed = {n: (tuple(v.type.shape), v.dtype) for n, v in kind.items()}
            if got != needed:
                wrong = [n for n in got.keys() | needed.keys() if got.get(n) != needed.get(n)]
                raise UserError(
                    f"checkpoint: {', '.join(sorted(wrong))} do not fit the settings of the run; "
                    "it was changed, or made by another version"
                )
            for name, value in values.items():
                kind[name].set_value(value)
        order = json.loads(position.order) if position.order else None
        if position.batches > self.reader.per_pass or (order is not None) != self.reader.shuffled:
            raise UserError(
                f"checkpoint: its position, {position.batches:,} batches into a pass, is none in "
                f"this text, which has {self.reader.per_pass:,}; it was changed"
            )
        self.rng.bit_generator.state = json.loads(position.generator)
        self.reader = replace(self.reader, batches=position.batches, order=order)
