"""The log of a run as event files for TensorBoard, where tensorboardX is installed."""

import errno
import itertools
import math
import os
import re
import socket
import struct
import time as clock
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from graphrnn.errors import reason

FOLDER = "events"

_NAME = "events.out.tfevents."
"""How TensorBoard knows a file of events; it reads those of a folder in the order of their names.

The seconds of its making come next. tensorboardX writes over a file of the same second, and after
the clock was set back its next file is read before the one from before: here the number is always
larger than those that are there.
"""


class Events:
    """Writes the numbers of a run's log to RUN/events, or nothing if the library is missing.

    `pip install graphrnn[tensorboard]` installs it; TensorBoard reads the files with
    `tensorboard --logdir runs`. Each start creates a file that supersedes those before and holds
    the log from its first line, including what a killed process did not write. Lines are written at
    once and by this thread, so that a kill can truncate only the last one, and a full disk ends the
    events, not the run.
    """

    def __init__(
        self,
        folder: Path,
        lines: Iterable[dict[str, Any]] = (),
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Start a file with the log so far; `tell` gets the reason if no more can be written."""
        self._file: BinaryIO | None = None
        self._tell = tell
        if not find_spec("tensorboardX"):
            return
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        start = SessionLog(status=SessionLog.START)  # with a step: forget all from that one on
        try:
            self._file = _new_file(folder / FOLDER)
        except OSError as error:
            self._end(error)
        self._add(Event(wall_time=clock.time(), file_version="brain.Event:2"))
        self._add(Event(wall_time=clock.time(), step=0, session_log=start))
        for line in lines:
            self.write(line)

    def write(self, line: dict[str, Any]) -> None:
        """Write the finite numbers of a line of the log at its step."""
        if self._file is None:
            return
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        numbers = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in line.items()
            if name not in ("step", "sequences") and _is_finite(value)
        ]
        if numbers:
            summary = Summary(value=numbers)
            self._add(Event(wall_time=clock.time(), step=line["step"], summary=summary))

    def _add(self, event: Any) -> None:
        """Write one record: its length and the event, each followed by a checksum."""
        if self._file is None:
            return
        from tensorboardX.record_writer import masked_crc32c

        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        parts = (length, _u32(masked_crc32c(length)), data, _u32(masked_crc32c(data)))
        record = b"".join(parts)
        try:
            if self._file.write(record) != len(record):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # what the rest would meet
        except OSError as error:
            self._end(error)

    def _end(self, error: OSError) -> None:
        """Stop writing in this process; the next one starts with the whole log."""
        self.close()
        self._file = None
        self._tell(f"events for TensorBoard end here: {reason(error)}; log.jsonl has them all")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _new_file(folder: Path) -> BinaryIO:
    """Create a file with a new name that sorts after all existing ones."""
    folder.mkdir(parents=True, exist_ok=True)
    matches = (re.match(re.escape(_NAME) + r"(\d{10})\b", path.name) for path in folder.iterdir())
    last = max((int(match[1]) for match in matches if match), default=0)
    for second in itertools.count(max(int(clock.time()), last + 1)):
        path = folder / f"{_NAME}{second:010}.{socket.gethostname()}"
        try:
            return path.open("xb", buffering=0)
        except FileExistsError:
            continue
    raise AssertionError("unreachable")


def _is_finite(value: Any) -> bool:
    """Return whether a value is a finite number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _u32(value: int) -> bytes:
    """Encode a number in four bytes."""
    return struct.pack("<I", value)
