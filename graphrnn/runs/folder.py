"""A run is a folder: its settings, a log, checkpoints, samples and curves; one process at a time.

runs/theano_rnn-1/
    settings.toml               every setting
    log.jsonl                   a line for each point of the curve and each evaluation
    last.safetensors            the newest checkpoint, from which the run goes on
    best.safetensors            that of the lowest held-out loss
    at-000012000.safetensors    those of --keep-every
    samples/000012000.txt       those of --sample-every
    events/                     the log for TensorBoard, where tensorboardX is installed
    curves.png                  loss and accuracy
"""

import contextlib
import errno
import itertools
import json
import math
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graphrnn.errors import UserError, reason
from graphrnn.files import kind_of, make_folder, read_file, require_kind, sync_folder
from graphrnn.runs import old_names, tensorboard
from graphrnn.runs.checkpoint import LONGEST, Checkpoint, load_checkpoint, write_atomically
from graphrnn.settings.messages import describe
from graphrnn.settings.recipes import plain_name
from graphrnn.settings.training import TrainSettings, renamed

import tomli_w
from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

LATEST = "latest"
"""The name of the newest run in runs/."""

RUNS = Path("runs")

CHECKPOINT = "last.safetensors"
_LOCK, _SETTINGS, _LOG = ".lock", "settings.toml", "log.jsonl"

LARGEST = 20_000
"""Bytes of settings, at most; the time that Python's reader of TOML takes grows with the square."""

_ADAPTER = TypeAdapter(TrainSettings)

Line = dict[str, Any]
"""A line of the log: `step` and `sequences`, then what was measured."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run: the paths in it, and how they are read and written."""

    path: Path

    @property
    def last(self) -> Path:
        """The newest checkpoint, which has all that the run needs to go on."""
        return self.path / CHECKPOINT

    @property
    def best(self) -> Path:
        """The checkpoint of the lowest held-out loss."""
        return self.path / "best.safetensors"

    @property
    def settings(self) -> Path:
        """Every setting, as TOML."""
        return self.path / _SETTINGS

    @property
    def model(self) -> Path:
        """The copy of the user's file that defines the network, where one does."""
        return self.path / "model.py"

    @property
    def log(self) -> Path:
        """What was measured, a JSON object a line."""
        return self.path / _LOG

    @property
    def curves(self) -> Path:
        """The picture of loss and accuracy."""
        return self.path / "curves.png"

    @property
    def has_curves(self) -> bool:
        """Return whether the picture was drawn after the newest checkpoint."""
        with contextlib.suppress(OSError):
            return self.curves.stat().st_mtime_ns >= self.last.stat().st_mtime_ns
        return False

    def snapshot(self, sequences: int) -> Path:
        """Return the path of the checkpoint kept after a number of sequences."""
        return self.path / f"at-{sequences:09}.safetensors"

    def sample(self, sequences: int) -> Path:
        """Return the path of the sample written after a number of sequences."""
        return self.path / "samples" / f"{sequences:09}.txt"

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints that are there, the last and the best first."""
        snapshots = sorted(self.path.glob("at-*.safetensors"))
        return [path for path in (self.last, self.best, *snapshots) if path.is_file()]

    def require_plain(self) -> None:
        """Refuse a folder in which something of a run is a link, a pipe or a device.

        The folder may be untrusted, and a link would be followed to its target. For files that are
        written in place, a hard link to a file elsewhere is refused too.

        Raises:
            UserError: naming it.
        """
        name = f"run {str(self.path)!r}"
        files = (*self.path.glob("at-*.safetensors"), self.last, self.best, self.curves)
        for path in (self.path / _LOCK, self.settings, self.log, *files):
            require_kind(path, "a file", name)
        for path in (self.path / "samples", self.path / tensorboard.FOLDER):
            require_kind(path, "a folder", name)
        for path in (self.path / _LOCK, self.log):
            if path.exists() and path.stat().st_nlink > 1:
                raise UserError(f"{name}: {path.name!r} has another name elsewhere; copy the run")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder against training by other processes, at most until this process ends.

        Raises:
            UserError: another process trains here.
        """
        self.require_plain()
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"run {str(self.path)!r}: another process trains in this folder; "
                "wait for it, or name another one with --out"
            ) from None
        except OSError as error:
            raise UserError(
                f"--out: cannot write in {str(self.path)!r}: {reason(error)}; name another folder"
            ) from error
        try:
            yield
        finally:
            lock.release()

    @property
    def training(self) -> bool:
        """Return whether a process is training here."""
        lock = self.path / _LOCK
        require_kind(lock, "a file", f"run {str(self.path)!r}")
        if not lock.exists():
            return False
        probe = FileLock(lock)
        try:
            probe.acquire(timeout=0)
        except (Timeout, OSError):
            return True
        probe.release()
        return False

    def write_settings(self, settings: TrainSettings) -> None:
        """Write every setting except those that are None, and the folder's own name.

        Raises:
            UserError: the file cannot be written.
        """
        values = _ADAPTER.dump_python(settings, mode="json", exclude_none=True, exclude={"out"})
        write_atomically(self.settings, tomli_w.dumps(values).encode())

    def write_model(self, source: bytes) -> None:
        """Write the copy of the file that defines the network.

        Raises:
            UserError: the file cannot be written.
        """
        write_atomically(self.model, source)

    def read_settings(self) -> TrainSettings:
        """Read the settings of the run.

        Raises:
            UserError: there are none, or they cannot be used.
        """
        name = f"settings {str(self.settings)!r}"
        try:
            data = read_file(self.settings)
            if len(data) > LARGEST:
                raise UserError(f"{name}: got {len(data):,} bytes, needed at most {LARGEST:,}")
            values = tomllib.loads(data.decode())
            # By way of JSON, where a list may be a tuple and yet a text is no number.
            settings = _ADAPTER.validate_json(json.dumps(values), strict=True)
            return replace(settings, out=self.path)
        except OSError as error:
            raise UserError(f"{name}: {reason(error)}") from error
        except ValidationError as error:
            raise UserError(f"{name}: {describe(error)}") from error
        except (ValueError, TypeError) as error:
            raise UserError(f"{name}: no valid TOML ({error})") from error
        except RecursionError as error:
            raise UserError(f"{name}: is nested too deeply") from error

    def write_line(self, line: Line) -> None:
        """Append a line to the log, all of it or nothing; numbers that are not finite become null.

        Raises:
            UserError: the file cannot be written.
        """
        finite = {
            name: value if not isinstance(value, float) or math.isfinite(value) else None
            for name, value in line.items()
        }
        data = f"{json.dumps(finite)}\n".encode()
        try:
            with self.log.open("ab", buffering=0) as file:
                length = file.seek(0, os.SEEK_END)
                try:
                    if file.write(data) != len(data):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                except OSError:
                    file.truncate(length)
                    raise
        except OSError as error:
            raise UserError(f"cannot write {str(self.log)!r}: {reason(error)}") from error

    def write_text(self, path: Path, text: str) -> None:
        """Write a text of the run.

        Raises:
            UserError: the file cannot be written.
        """
        write_atomically(path, text.encode("utf-8", "replace"))

    def lines(self) -> list[Line]:
        """Read the log, without a last line that was cut off by the end of its process.

        Raises:
            UserError: it cannot be read, or another line is not one that a run writes.
        """
        name = f"log {str(self.log)!r}"
        try:
            *whole, torn = read_file(self.log).decode(errors="replace").split("\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{name}: {reason(error)}") from error
        numbered = [(n, _line(text)) for n, text in enumerate(whole, start=1) if text.strip()]
        for n, line in numbered:
            if line is None:
                raise UserError(f"{name}: line {n} is damaged; take it out")
        last = _line(torn)
        return [line for _, line in numbered if line is not None] + ([last] if last else [])

    def cut_back(self, steps: int) -> None:
        """Remove what was written after a step: log lines, samples, snapshots, partial files.

        Raises:
            UserError: the log cannot be written.
        """
        lines = [line for line in self.lines() if line["step"] <= steps]
        data = "".join(json.dumps(line) + "\n" for line in lines)
        write_atomically(self.log, data.encode())
        # Partial files of a process that was killed while it wrote.
        for scrap in (*self.path.glob(".*.*.*"), *(self.path / "samples").glob(".*.txt.*")):
            if re.fullmatch(r"\..+\.(safetensors|toml|jsonl|png|txt)\.[0-9a-f]+", scrap.name):
                with contextlib.suppress(OSError):
                    scrap.unlink()

    def abandon(self, made: bool) -> None:
        """Remove the files of a run without a checkpoint, and its folder if the run created it."""
        if self.last.exists():
            return
        with contextlib.suppress(OSError):
            written = self.path / tensorboard.FOLDER
            if kind_of(written) == "a folder":
                for path in written.iterdir():
                    path.unlink()
                written.rmdir()
            for path in (self.settings, self.log, self.path / _LOCK):
                path.unlink(missing_ok=True)
            if made:
                self.path.rmdir()


def _line(text: str) -> Line | None:
    """Parse a line of the log: integers for the position, and numbers or null for the rest."""
    try:
        line = json.loads(text)
        fits = (
            isinstance(line, dict)
            and all(_is_count(line[name]) for name in ("step", "sequences") if name in line)
            and all(value is None or _is_number(value) for value in line.values())
            and max(map(len, line), default=0) <= LONGEST
        )
    except (ValueError, OverflowError, RecursionError):
        return None
    return renamed(line, old_names.LOG) if fits and "step" in line else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def claim_folder(settings: TrainSettings) -> tuple[RunFolder, bool]:
    """Create the folder of a new run before training, so that an unwritable one is found early.

    Also return whether it was created, or existed already.

    Raises:
        UserError: it cannot be made or written, or holds something already.
    """
    if settings.out is None:
        return numbered_folder(plain_name(settings.model)), True
    return folder_for(Path(settings.out))


def numbered_folder(name: str) -> RunFolder:
    """Create the next folder in runs/ of a name, as `name-1`, `name-2` and so on.

    Raises:
        UserError: it cannot be made or written.
    """
    numbered = (RUNS / f"{name}-{n}" for n in itertools.count(1))
    return RunFolder(next(folder for folder in numbered if _make(folder)))


def folder_for(folder: Path) -> tuple[RunFolder, bool]:
    """Create a folder, or take an empty one; also return whether it was created.

    Raises:
        UserError: it cannot be made or written, or holds something already.
    """
    made = _make(folder)
    if not made:
        try:
            empty = {path.name for path in folder.iterdir()} <= {_LOCK}
        except OSError as error:
            raise UserError(f"--out: {str(folder)!r}: {reason(error)}; name a folder") from error
        if not empty:
            more = "; to go on with a run say --resume" if (folder / _SETTINGS).exists() else ""
            raise UserError(
                f"--out: {str(folder)!r} holds files already; name a new folder or an empty one"
                + more
            )
    return RunFolder(folder), made


def _make(folder: Path) -> bool:
    """Create a folder in which files can be created; return False if it exists already.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        make_folder(folder.parent)
        try:
            folder.mkdir()
            made = True
            sync_folder(folder.parent)
        except FileExistsError:
            made = False
        if folder.is_dir():
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise UserError(
            f"--out: cannot write in {str(folder)!r}: {reason(error)}; name another folder"
        ) from error
    return made


def find_run(run: str) -> RunFolder:
    """Find the folder of a run: a folder, a name in runs/, or `latest`.

    Raises:
        UserError: there is none.
    """
    try:
        if run == LATEST:
            return RunFolder(_latest().parent)
        for path in (Path(run), RUNS / run):
            folder = RunFolder(path)
            if kind_of(folder.last) is not None or kind_of(folder.settings) is not None:
                return folder
    except OSError as error:
        raise UserError(f"run {run!r}: {reason(error)}; name a folder of runs/") from error
    raise UserError(
        f"run {run!r}: no such folder with a {CHECKPOINT} or a {_SETTINGS} in it; "
        f"name one of runs/, or {LATEST!r}"
    )


def all_runs(folder: Path = RUNS) -> list[RunFolder]:
    """Return the runs in a folder, by name."""
    with contextlib.suppress(OSError):
        runs = [RunFolder(path) for path in sorted(folder.iterdir())]
        return [run for run in runs if run.last.is_file() or run.settings.is_file()]
    return []


def find_checkpoint(run: str, *, best: bool = False) -> Path:
    """Find the checkpoint of a run: a folder, a checkpoint file, a name in runs/, or `latest`.

    Of a folder it is the last one or, with `best`, that of the lowest held-out loss, if there is
    one.

    Raises:
        UserError: there is none.
    """
    try:
        if run == LATEST:
            return _chosen(_latest(), best)
        for path in (Path(run), RUNS / run):
            if path.is_dir() and kind_of(path / CHECKPOINT) is not None:
                return _chosen(path / CHECKPOINT, best)
            if path.is_file():  # a link to one is the user's own word, and not a stranger's
                return path.resolve() if path.is_symlink() else path
    except OSError as error:
        raise UserError(f"run {run!r}: {reason(error)}; name a folder of runs/") from error
    raise UserError(
        f"run {run!r}: no such folder with a {CHECKPOINT} in it; name one of runs/, or {LATEST!r}"
    )


def _chosen(last: Path, best: bool) -> Path:
    """Return the checkpoint beside the last one that is wanted."""
    other = RunFolder(last.parent).best
    plain = kind_of(last) == kind_of(other) == "a file"  # else whoever reads the last refuses it
    return other if best and plain else last


def _latest() -> Path:
    """Return the newest checkpoint in runs/.

    Raises:
        UserError: there is none.
    """
    there = (path for path in RUNS.glob(f"*/{CHECKPOINT}") if path.is_file())
    by_age = sorted(there, key=lambda path: path.stat().st_mtime)
    if not by_age:
        raise UserError("no trained network in runs/; train one first: graphrnn train")
    return by_age[-1]


def load_run(run: str) -> Checkpoint:
    """Load the checkpoint of a run; see `find_checkpoint`."""
    return load_checkpoint(find_checkpoint(run))
