"""Training of a network that is built by hand: any compiled function whose first result is a loss.

    run = graphrnn.fit(train, batches, learning_rate=0.01, name="my_net")

runs/my_net-1/
    log.jsonl                    a line for each stretch of steps
    parameters.safetensors       the shared variables that the function updates
    curves.png                   the loss
"""

import itertools
import math
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphrnn.backends.compile import Function
from graphrnn.display.plots import lines_png
from graphrnn.display.terminal import Display, console, seconds
from graphrnn.errors import DivergedError, UserError
from graphrnn.files import write_atomically
from graphrnn.runs.folder import RunFolder, folder_for, numbered_folder
from graphrnn.runs.parameters import load, save
from graphrnn.training.interrupt import Interrupted, Stop

import numpy as np

Batches = Iterable[Any] | Callable[[int], Iterable[Any]]
"""Arguments of each step, tuples or dictionaries; or a function from an epoch (0, 1, …) to them."""

PARAMETERS = "parameters.safetensors"


@dataclass(frozen=True)
class Fit:
    """A network trained by hand: where it is kept, and what was measured."""

    path: Path
    steps: int
    log: tuple[Mapping[str, Any], ...]

    @property
    def parameters(self) -> Path:
        """The file of the shared variables; `graphrnn.load` reads it."""
        return self.path / PARAMETERS

    @property
    def loss(self) -> float:
        """The mean loss of the last stretch."""
        return float(self.log[-1]["loss"]) if self.log else math.nan

    def __repr__(self) -> str:
        return f"<Fit {self.path.name}: {self.steps:,} steps, loss {self.loss:.4g}>"


def fit(
    function: Function,
    batches: Batches,
    *,
    name: str = "by_hand",
    out: str | Path | None = None,
    resume: str | Path | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    log_every: int = 1_000,
    save_every: float = 30.0,
    quiet: bool = False,
    **arguments: Any,
) -> Fit:
    """Call a compiled function on batch after batch, with progress, a log and checkpoints.

    `function` returns a loss, a scalar, alone or first of several results, whose means over each
    `log_every` steps are logged; other results that are no scalars are left out. `arguments` are
    given to each call by name. `batches` is one pass over the data, or a function that gives one
    for each epoch; training ends with them, or after `epochs` or `steps`. The shared variables that
    the function reads are saved each `save_every` seconds and at the end, also when Ctrl-C or
    SIGTERM ends it. `resume` goes on with a folder from its last checkpoint, and reads over the
    batches that were read before: with the same batches, the numbers are those of a run without a
    break.

    Raises:
        UserError: an option does not fit, the folder cannot be written, or its parameters are not
            those of the function.
        DivergedError: the loss is no finite number; the last checkpoint stays.
        Interrupted: Ctrl-C or SIGTERM; all is saved.

    Example:
        >>> import graphrnn as gr, aesara.tensor as at, numpy as np, tempfile
        >>> w = gr.share({"w": np.zeros(3, "float32")})["w"]
        >>> def graph():
        ...     x, y = gr.tensor("x", "float32", (3,)), gr.tensor("y", "float32", ())
        ...     loss = (at.dot(x, w) - y) ** 2
        ...     return [x, y], [loss], gr.updates.sgd([w], gr.updates.gradients(loss, [w]), 0.1)
        >>> train = gr.compile(graph, name="train", backend="python")
        >>> data = [(np.eye(3, dtype="float32")[k], k) for k in range(3)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gr.fit(train, data, epochs=20, out=folder + "/run", quiet=True)
        <Fit run: 60 steps, loss 0.2315>
    """
    for option, value in (("epochs", epochs), ("steps", steps), ("log_every", log_every)):
        if value is not None and value < 1:
            raise UserError(f"{option}: got {value}, needed 1 or more")
    passes = _passes(batches, epochs, steps)
    folder = _folder(name, out, resume)
    display = Display(console(lasting=True))
    run = _Run(function, arguments, folder, log_every, display, quiet)
    run.total = _total(batches, epochs, steps)
    with folder.locked(), run.display, Stop() as stop:
        if resume is not None:
            run.restore()
        for batch in itertools.islice(passes, run.steps, steps):
            run.step(batch)
            if stop:
                break
            if clock.perf_counter() - run.saved >= save_every:
                run.save()
        return run.end(stop)


def _passes(batches: Batches, epochs: int | None, steps: int | None) -> Iterator[Any]:
    """Return the arguments of all steps, epoch after epoch.

    Raises:
        UserError: nothing says when to end, or the batches can be read once only.
    """
    if callable(batches):
        if epochs is None and steps is None:
            raise UserError("fit: got batches for any number of epochs; say epochs or steps")
        numbers = itertools.count() if epochs is None else iter(range(epochs))
        return itertools.chain.from_iterable(batches(epoch) for epoch in numbers)
    if (epochs or 1) == 1:
        return iter(batches)
    if isinstance(batches, Iterator):
        raise UserError("batches: got an iterator, which is read once, and several epochs; "
                        "give a list, or a function from the epoch to its batches")  # fmt: skip
    return itertools.chain.from_iterable(itertools.repeat(batches, epochs or 1))


def _total(batches: Batches, epochs: int | None, steps: int | None) -> int | None:
    """Return how many steps there will be, if that is known."""
    if steps is None and isinstance(batches, Sized):
        return len(batches) * (epochs or 1)
    return steps


def _folder(name: str, out: str | Path | None, resume: str | Path | None) -> RunFolder:
    """Return the folder of the run, made where it is a new one.

    Raises:
        UserError: it cannot be made or written, or is not there.
    """
    if resume is None:
        return numbered_folder(name) if out is None else folder_for(Path(out))[0]
    if out is not None:
        raise UserError("fit: got out and resume; a run goes on in its own folder")
    if not (Path(resume) / PARAMETERS).is_file():
        raise UserError(f"resume: {str(resume)!r} holds no {PARAMETERS}; name a folder of fit's")
    return RunFolder(Path(resume))


@dataclass
class _Run:
    """A run while it is under way."""

    function: Function
    arguments: Mapping[str, Any]
    folder: RunFolder
    log_every: int
    display: Display
    quiet: bool
    steps: int = 0
    sums: list[float] = field(default_factory=list)
    summed: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    saved: float = field(default_factory=clock.perf_counter)
    began: float = field(default_factory=clock.perf_counter)
    before: int = 0
    total: int | None = None

    @property
    def file(self) -> Path:
        """The checkpoint."""
        return self.folder.path / PARAMETERS

    def step(self, batch: Any) -> None:
        """Take a step, and log and show what is due.

        Raises:
            DivergedError: the loss is no finite number.
        """
        by_name = isinstance(batch, Mapping)
        given = () if by_name else batch if isinstance(batch, (tuple, list)) else (batch,)
        results = self.function(*given, **(batch if by_name else {}), **self.arguments)
        listed = results if isinstance(results, (list, tuple)) else [results]
        if not listed or np.ndim(listed[0]) or listed[0] is None:
            raise UserError("fit: the function's first result must be the loss, a scalar")
        values = [float(value) for value in listed if np.ndim(value) == 0]
        if not math.isfinite(values[0]):
            kept = f"{str(self.file)!r} is from before" if self.file.exists() else "nothing is kept"
            raise DivergedError(
                f"the loss became {values[0]} at step {self.steps + 1:,}; lower the learning rate "
                f"or clip the gradients; {kept}"
            )
        self.steps += 1
        self.sums = [a + b for a, b in itertools.zip_longest(self.sums, values, fillvalue=0.0)]
        self.summed += 1
        if self.steps % self.log_every == 0:
            self.write()
            self.sums, self.summed = [], 0
        self.show()

    def means(self) -> list[float]:
        """Return the means of the stretch so far."""
        return [total / self.summed for total in self.sums]

    def write(self) -> None:
        """Write a line to the log: the means of the stretch so far."""
        loss, *others = self.means()
        names = {f"result_{k}": value for k, value in enumerate(others, start=2)}
        line = {"step": self.steps, "loss": loss, **names}
        self.log.append(line)
        self.folder.write_line(line)

    def show(self) -> None:
        """Show the progress, now and then."""
        if self.quiet:
            return
        speed = (self.steps - self.before) / max(clock.perf_counter() - self.began, 1e-9)
        loss = self.means()[0] if self.summed else self.log[-1]["loss"]
        left = f", {seconds((self.total - self.steps) / speed)} left" if self.total else ""
        text = f"loss {loss:.4f}, {speed:,.0f} steps/s{left}"
        self.display.counted("steps", self.steps, self.total or 0, text)

    def save(self) -> None:
        """Save the shared variables, and how far the run is."""
        notes = {"steps": self.steps, "sums": self.sums, "summed": self.summed}
        save(self.file, self.function, notes=notes)
        self.saved = clock.perf_counter()

    def restore(self) -> None:
        """Go on where the last checkpoint was written.

        Raises:
            UserError: it is not of these shared variables, or is damaged.
        """
        notes = load(self.file, self.function)
        try:
            self.steps, self.summed = int(notes["steps"]), int(notes["summed"])
            self.sums = [float(total) for total in notes["sums"]]
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{str(self.file)!r}: its notes are damaged; use another") from error
        self.before = self.steps
        # The stretch that was under way goes on: what was logged of it is not whole.
        self.folder.cut_back(self.steps - self.summed)
        self.log = list(self.folder.lines())

    def end(self, stop: Stop) -> Fit:
        """Save all, draw the loss, and return what was done.

        Raises:
            Interrupted: a signal ended the run.
        """
        if stop.signal is not None:
            self.save()
            raise Interrupted(
                stop.signal,
                f"after {self.steps:,} steps; all is kept in {str(self.folder.path)!r}; to go on: "
                f"fit(..., resume={str(self.folder.path)!r})",
            )
        if self.summed:
            self.write()  # a longer run goes on with the stretch, and writes it anew
        self.save()
        if self.log:
            picture = lines_png([line["step"] for line in self.log],
                                [line["loss"] for line in self.log], "steps", "loss")  # fmt: skip
            write_atomically(self.folder.curves, picture)
        if not self.quiet:
            took = seconds(clock.perf_counter() - self.began)
            self.display.line(f"  {self.steps:,} steps in {took}; kept in {self.folder.path}")
        return Fit(self.folder.path, self.steps, tuple(self.log))
