"""Progress on standard output: live bars in a terminal, a line every few seconds in a pipe."""

import contextlib
import math
import os
import time as clock
from types import TracebackType
from typing import IO, Any, cast

from graphrnn.backends.compile import BuildEvent
from graphrnn.errors import printable
from graphrnn.models import MODELS
from graphrnn.native.phases import Phase
from graphrnn.runs.checkpoint import Header, Point
from graphrnn.training.corpus import Data
from graphrnn.training.progress import Progress

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

PLAIN_EVERY = 5.0
"""Seconds between two lines of progress where the output is not a terminal."""


def seconds(value: float) -> str:
    """Format a duration.

    Example:
        >>> seconds(4.21), seconds(75), seconds(3700)
        ('4.2 s', '1 min 15 s', '1 h 01 min')
    """
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def bits(nats: float) -> float:
    """Convert nats to bits: 1 nat = 1 / ln 2 bits."""
    return nats / math.log(2)


class _Console(Console):
    """A console that goes silent when its reader is gone, so that the work continues.

    Control characters in strings are escaped: text from an untrusted file must not control the
    terminal.
    """

    lasting = False
    """Whether every failed write is handled so: also a closed terminal or a full disk."""

    @property
    def file(self) -> IO[str]:
        """The file that is written to."""
        file = super().file
        return cast("IO[str]", _Lasting(file)) if self.lasting else file

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def on_broken_pipe(self) -> None:
        """Discard all further output."""
        self.quiet = True
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())

    def render_str(self, text: str, **options: Any) -> Text:
        """Render a string with its control characters escaped."""
        return super().render_str(printable(text), **options)


class _Lasting:
    """A file that raises BrokenPipeError for every failed write, which a console survives."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """Write a text."""
        try:
            return self._file.write(text)
        except OSError as error:
            raise BrokenPipeError from error

    def flush(self) -> None:
        """Flush the file."""
        try:
            self._file.flush()
        except OSError as error:
            raise BrokenPipeError from error


def console(*, stderr: bool = False, lasting: bool = False) -> Console:
    """Create a console that prints text as it is, without markup or emoji.

    A lasting one is for work that writes its results to files: it goes silent if it cannot write.
    """
    new = _Console(stderr=stderr, emoji=False, markup=False, highlight=False)
    new.lasting = lasting
    return new


class Display:
    """Shows a build and a training run; a `progress.Watcher` and a context manager."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}"),
            console=console,
            transient=True,
            disable=not self.live,
        )
        self._task: TaskID | None = None
        self._printed = 0.0
        self._phase: tuple[str, str] | None = None
        self._function = ""
        self._began = clock.perf_counter()

    def __enter__(self) -> "Display":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def line(self, text: str) -> None:
        """Print a line that stays."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def prepared(self, data: Data) -> None:
        """Print the sizes of the corpus."""
        held_out = f"{len(data.held_out):,}" if len(data.held_out) else "none"
        if len(data.validated) < len(data.held_out):
            held_out += f" (of which {len(data.validated):,} are read each time)"
        self.line(
            f"{data.corpus}: {len(data.train):,} characters to train on, "
            f"{held_out} held out, {len(data.vocabulary)} symbols; SHA-256 {data.digest[:12]}"
        )

    def built(self, build: BuildEvent) -> None:
        """Show the progress of compiling."""
        now = clock.perf_counter()
        if build.function != self._function:
            self._function, self._began = build.function, now
        if build.phase == Phase.NOTE:
            self.line(f"  {build.function}: {build.detail}")
            return
        if build.phase == Phase.READY:
            self._drop()
            self.line(f"  {build.function}: ready in {seconds(now - self._began)}; {build.detail}")
            return
        counts = f"node {build.done} of {build.total}" if build.done else ""
        if build.modules:
            plural = "" if build.modules == 1 else "s"
            counts += f", {build.modules} module{plural} compiled for the cache"
        phase = (build.function, build.phase)
        if self.live:
            self._show(f"{build.function}: {build.phase}", build.done, build.total, counts)
        elif (phase != self._phase and not build.done) or now - self._printed >= PLAIN_EVERY:
            self._printed = now
            self.line(f"  {build.function}: {build.phase}{counts and f' ({counts})'} ...")
        self._phase = phase

    def progressed(self, progress: Progress) -> None:
        """Show the progress of training."""
        now = clock.perf_counter()
        if now - self._printed < (0.1 if self.live else PLAIN_EVERY):
            return
        self._printed = now
        text = (
            f"loss {progress.loss:.3f}  accuracy {progress.accuracy:.1%}  "
            f"{progress.characters_per_second:,.0f} characters/s  "
            f"{seconds(progress.seconds_left)} left"
        )
        done, total = progress.sequences, progress.total
        if self.live:
            self._show(f"{done:,} of {total:,} sequences", done, total, text)
        else:
            self.line(f"  {done:>9,} of {total:,} sequences  {text}")

    def counted(self, what: str, done: int, total: int, more: str = "") -> None:
        """Show the progress of other work; its bar disappears once it is done.

        The total is 0 where it is not known.
        """
        now = clock.perf_counter()
        if done == total:
            self._drop()
        elif now - self._printed >= (0.1 if self.live else PLAIN_EVERY):
            self._printed = now
            text = f"{done:,} of {total:,}" if total else f"{done:,}"
            text += more and f"  {more}"
            if self.live:
                self._show(what, done, total, text)
            else:
                self.line(f"  {what}: {text}")

    def evaluated(self, point: Point) -> None:
        """Print loss and accuracy on the held-out text."""
        self.line(
            f"  {point.sequences:>9,} sequences: held-out loss {point.loss:.3f} nats, "
            f"{bits(point.loss):.3f} bits a character, accuracy {point.accuracy:.1%}"
        )

    def noted(self, text: str) -> None:
        """Print a note on the run."""
        self.line(f"  {text}")

    def wrote(self, text: str) -> None:
        """Print a sample of the network's text."""
        self.line("\n" + "\n".join(f"    {line}" for line in text.splitlines()) + "\n")

    def _show(self, description: str, done: int, total: int, text: str) -> None:
        """Update the live bar; a total of 0 makes it pulse."""
        if self._task is None:
            self._task = self._bars.add_task(description, total=None, text=text)
        self._bars.update(
            self._task, description=description, completed=done, total=total or None, text=text
        )

    def _drop(self) -> None:
        """Remove the live bar, so that the next one starts at zero."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


def results_table(header: Header) -> Table | str:
    """Build the table of a run's results, or a message if the run was too short for one."""
    if not header.train and not header.held_out:
        every = header.settings.log_every
        return f"no loss yet: one is kept each {every:,} sequences (--log-every)"
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("", "loss (nats/char)", "loss (bits/char)", "accuracy"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    rows = []
    if header.train:
        before = header.train[-2].sequences if len(header.train) > 1 else 0
        last = header.train[-1].sequences - before
        rows = [(f"training, last {last:,} sequences", header.train[-1])]
    rows += [("held-out", point) for point in header.held_out[-1:]]
    for name, point in rows:
        table.add_row(name, f"{point.loss:.3f}", f"{bits(point.loss):.3f}", f"{point.accuracy:.1%}")
    return table


def models_table() -> Table:
    """Build the table of the networks, with a summary and the lesson's section for each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("network", "what it is", "the lesson's section"):
        table.add_column(heading, no_wrap=heading == "network", overflow="fold")
    for model in MODELS.values():
        table.add_row(model.name, model.summary, model.section)
    return table
