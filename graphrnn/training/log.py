"""Writes the log of a run, and event files for TensorBoard."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from graphrnn.errors import UserError
from graphrnn.runs.folder import Line, RunFolder
from graphrnn.runs.tensorboard import Events


@dataclass
class Log:
    """Appends lines to the log, and to event files while these are open.

    A log that cannot be written does not end the run: its lines are kept until the disk has space,
    and `tell` gets one message.
    """

    folder: RunFolder
    tell: Callable[[str], None]
    events: Events | None = None
    unwritten: list[Line] = field(default_factory=list)

    @contextlib.contextmanager
    def writing_events(self) -> Iterator[None]:
        """Write event files too, starting with the log so far, while the context is open."""
        self.events = Events(self.folder.path, self.folder.lines(), self.tell)
        try:
            yield
        finally:
            self.events.close()
            self.events = None

    def write(self, line: Line) -> None:
        """Write a line, and those that could not be written before."""
        if self.events:
            self.events.write(line)
        self.unwritten.append(line)
        try:
            while self.unwritten:
                self.folder.write_line(self.unwritten[0])
                del self.unwritten[0]
        except UserError as error:
            if len(self.unwritten) == 1:
                self.tell(f"{error}; the run goes on, and its log when there is room")
