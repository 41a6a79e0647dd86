"""Subjects of a comparison: one of the lesson's networks, or a function that builds a graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from graphrnn.data import batches
from graphrnn.errors import UserError
from graphrnn.graph.loops import Loop
from graphrnn.graph.shapes import require_array
from graphrnn.models import user_models
from graphrnn.models.from_settings import network_of
from graphrnn.models.network import GraphSpec
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import prepare

import numpy as np

Values = list[Any]
Builder = Callable[[Loop, int], GraphSpec]
"""Builds a graph of a loop over T steps: inputs, outputs, updates."""


class Subject(Protocol):
    """A network that can be built with any loop, and the values of its inputs."""

    @property
    def title(self) -> str:
        """The name of the network."""

    def graph(self, loop: Loop, time: int) -> GraphSpec:
        """Build inputs, outputs and updates, with the same weights each time."""

    def values(self, inputs: Sequence[Any]) -> Values:
        """Return a value for each input, the same each time."""


@dataclass(frozen=True)
class ModelSubject:
    """One of the lesson's networks, trained by plain SGD on windows of its text."""

    settings: TrainSettings
    symbols: int  # of its text, counted beforehand so that no build's time includes reading it

    @classmethod
    def of(cls, settings: TrainSettings) -> "ModelSubject":
        """Read the text that these settings name, and check them against it.

        Raises:
            UserError: an unknown name, or a text that is too short.
        """
        return cls(settings, len(prepare(settings).vocabulary))

    @property
    def title(self) -> str:
        """Return the network's name and sizes."""
        s = self.settings
        return f"{s.model}, B={s.batch}, H={s.hidden}, {s.dtype}"

    def graph(self, loop: Loop, time: int) -> GraphSpec:
        """Build a training step."""
        # The user named it, but this process of its own has not loaded it yet.
        user_models.load_named(self.settings.model, again=False)
        network = network_of(self.settings, self.symbols, np.random.default_rng(self.settings.seed))
        if network.model.by_hand:
            raise UserError(
                f"{self.settings.model}: is trained in NumPy and has no graph to loop; "
                "name another of `graphrnn models`"
            )
        return replace(network, loop=loop).training_graph(time=time, batch=self.settings.batch)

    def values(self, inputs: Sequence[Any]) -> Values:
        """Return windows of the text, the learning rate, and dropout masks."""
        rng = np.random.default_rng(self.settings.seed)
        time, batch = inputs[0].type.shape
        train = prepare(replace(self.settings, time=time)).train
        windows = next(batches.shuffled(train, time=time, batch=batch, rng=rng))
        keep_rate = 1 - (self.settings.dropout or 0.0)
        masks = [(rng.random(v.type.shape) < keep_rate) / keep_rate for v in inputs[3:]]
        # With the network's own rate, identity recurrent weights make a long T diverge.
        learning_rate = np.asarray(1e-4 / time**2, self.settings.dtype)
        return [*windows, learning_rate, *(mask.astype(self.settings.dtype) for mask in masks)]


@dataclass(frozen=True)
class BuilderSubject:
    """A function of the user's own that builds a graph."""

    builder: Builder
    name: str = ""

    @property
    def title(self) -> str:
        """Return the function's name."""
        return self.name or getattr(self.builder, "__name__", "graph")

    def graph(self, loop: Loop, time: int) -> GraphSpec:
        """Call the function."""
        return self.builder(loop, time)

    def values(self, inputs: Sequence[Any]) -> Values:
        """Draw small random numbers for floats, and zeros and ones for integers.

        Raises:
            UserError: an input is not an array of known shape.
        """
        rng = np.random.default_rng(0)
        arrays = []
        for variable in inputs:
            kind = require_array(variable)
            if kind.dtype.startswith(("int", "uint", "bool")):
                arrays.append(rng.integers(0, 2, kind.shape).astype(kind.dtype))
            else:
                arrays.append((0.1 * rng.standard_normal(kind.shape)).astype(kind.dtype))
        return arrays
