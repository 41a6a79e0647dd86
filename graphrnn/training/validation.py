"""Validation: the loss on the held-out text, which is never trained on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from graphrnn.backends.compile import Function, Report, silent
from graphrnn.data import batches
from graphrnn.models import Weights
from graphrnn.models.network import Network
from graphrnn.runs.checkpoint import Point
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import Data
from graphrnn.training.count import Count
from graphrnn.training.interrupt import Stop
from graphrnn.training.tally import Tally
from graphrnn.training.training_step import reset

VALIDATIONS = 10
"""How often the held-out text is read, spread evenly over the run."""


def evaluate(
    function: Function,
    data: Data,
    *,
    time: int,
    sequences: int,
    carried: Weights | None = None,
    stop: Stop | None = None,
    tell: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Point | None:
    """Read the held-out text, or its beginning if it is long, in windows of T; return the means.

    None if it was stopped. Each window starts from a zero state, or with carried states only the
    first one.
    """
    tally = Tally()
    reset(carried or {})
    text, batch = data.validated, data.evaluation_batch
    total = batches.require_windows(text, time=time, batch=batch, what="held-out text") // batch
    for x, y in batches.streams(text, time=time, batch=batch):
        if stop:
            return None
        loss, accuracy = function(x, y)
        tally.add(float(loss), float(accuracy))
        tell("reading the held-out text", tally.steps, total)
    return tally.point(sequences)


@dataclass
class Validation:
    """The compiled function that reads the held-out text, and its results so far.

    Attributes:
        function: None if nothing is held out.
        carried: States that go from window to window, where the text is read as streams.
    """

    function: Function | None
    carried: Weights
    points: list[Point] = field(default_factory=list)

    @classmethod
    def compile(
        cls, settings: TrainSettings, data: Data, network: Network, report: Report = silent
    ) -> "Validation":
        """Compile the function, if anything is held out."""
        batch = data.evaluation_batch
        if not batch:
            return cls(None, {})
        streams = recipe_for(settings.model).windows == "streams"
        carried = network.carried_states(batch) if streams else {}
        function = network.compile_evaluate(
            time=settings.time, batch=batch, carried=carried, report=report
        )
        return cls(function, carried)

    def is_due(self, count: Count, total: int) -> bool:
        """Return whether a validation is due after this step, and has not been made yet."""
        due = count.sequences >= total or count.reached(max(1, total // VALIDATIONS))
        read = bool(self.points) and self.points[-1].sequences == count.sequences
        return due and not read and self.function is not None

    def read(
        self,
        data: Data,
        time: int,
        sequences: int,
        stop: Stop,
        tell: Callable[[str, int, int], None],
    ) -> Point | None:
        """Read the held-out text and return the means, or None if a signal interrupted it."""
        return evaluate(
            self.function,
            data,
            time=time,
            sequences=sequences,
            carried=self.carried,
            stop=stop,
            tell=tell,
        )

    def add(self, point: Point) -> bool:
        """Add a point, and return whether its loss is the lowest so far."""
        best = all(point.loss < other.loss for other in self.points)
        self.points.append(point)
        return best
