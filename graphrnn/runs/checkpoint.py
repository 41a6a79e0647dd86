"""Tensors and a JSON header in one safetensors file, written atomically; loading runs no code."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from graphrnn.data.text import PADDING, Vocabulary
from graphrnn.errors import UserError, reason
from graphrnn.files import kind_of
from graphrnn.files import write_atomically as write_atomically
from graphrnn.runs import old_names
from graphrnn.settings.training import TrainSettings

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

Tensors = Mapping[str, npt.NDArray[Any]]

FORMAT = 3
"""The version of the layout; 2 had other names and is read too, any other is refused."""

LONGEST = 4_096
"""Letters of the longest name, that of a corpus, which may be a path."""

_KEY = "graphrnn"
_STATE = "state/"
"""What the names of a run's own tensors begin with, beside those of the weights."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of the loss curve: means over the last stretch of training.

    Losses are in nats per character; accuracy is the share of characters predicted right.
    """

    sequences: int
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Position:
    """The state of a run between two steps: with the tensors, all that the next step depends on.

    Attributes:
        steps: Steps taken.
        batches: Batches read in this epoch.
        generator: State of the random generator, as JSON.
        order: Its state when this epoch began, from which the order of windows is drawn again.
        tally: Sums of loss and accuracy since the last point of the curve, and their count.
        start: The loss that the run began with.
        moving_average: That of the loss, compared with `start`.
        text: SHA-256 of the text as indices.
    """

    steps: int
    batches: int
    generator: str
    order: str | None
    tally: tuple[float, float, int]
    start: float | None
    moving_average: float | None
    text: str


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Header:
    """The content of a checkpoint other than its tensors.

    `versions` are those of the libraries that wrote it, and the backend that `auto` resolved to.
    """

    format: int = FORMAT
    settings: TrainSettings
    corpus: str
    vocabulary: tuple[str, ...]
    sequences: int
    train: tuple[Point, ...] = ()
    held_out: tuple[Point, ...] = ()
    versions: dict[str, str]
    position: Position | None = None
    digest: str = ""


@dataclass(frozen=True, config=ConfigDict(arbitrary_types_allowed=True))
class Checkpoint:
    """A header, the weights by name, and the further state that resuming needs.

    `state` holds the optimizer state (velocities, means, its count) and carried hidden states.
    """

    header: Header
    weights: dict[str, npt.NDArray[Any]]
    state: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """All tensors by the names that they have in the file."""
        return {**self.weights, **{_STATE + name: value for name, value in self.state.items()}}

    @property
    def best(self) -> Point | None:
        """The point of the lowest held-out loss so far; the first of equals."""
        return min(self.header.held_out, key=lambda point: point.loss, default=None)

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that the network was trained on."""
        return Vocabulary(self.header.vocabulary)


_HEADER = TypeAdapter(Header)


def _digest(header: Header, weights: Tensors) -> str:
    """Hash the header, as its format writes it, and every tensor: SHA-256, over names in order."""
    text = _HEADER.dump_json(replace(header, digest=""))
    digest = hashlib.sha256(old_names.header_of_2(text) if header.format == 2 else text)
    for name in sorted(weights):
        value = np.ascontiguousarray(weights[name])
        digest.update(f"{name}{value.dtype.str}{value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, checkpoint: Checkpoint, *copies: Path) -> None:
    """Save a checkpoint atomically, and then copies of it at other paths.

    Raises:
        UserError: the file cannot be written.
    """
    # Not ascontiguousarray, which would make a scalar, as Adam's count, an array of one.
    tensors = {name: np.asarray(value, order="C") for name, value in checkpoint.tensors.items()}
    header = replace(checkpoint.header, digest=_digest(checkpoint.header, tensors))
    data = save(tensors, {_KEY: _HEADER.dump_json(header).decode()})
    for place in (path, *copies):
        write_atomically(place, data)


def load_checkpoint(path: Path) -> Checkpoint:
    """Load and check a checkpoint.

    Raises:
        UserError: missing, foreign, truncated, tampered with, or of another format.
    """
    try:
        kind = kind_of(path)
    except OSError as error:
        raise UserError(f"checkpoint {str(path)!r}: {reason(error)}") from error
    if kind is None:
        raise UserError(f"checkpoint {str(path)!r}: no such file; train first: graphrnn train")
    if kind != "a file":
        raise UserError(f"checkpoint {str(path)!r}: is {kind}, needed a file; name another")
    foreign = f"checkpoint {str(path)!r}: is not a graphrnn checkpoint"
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise UserError(f"checkpoint {str(path)!r}: {reason(error)}") from error
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{foreign}, or is cut short ({detail})") from error
    if text is None:
        raise UserError(f"{foreign}: it has no graphrnn header")
    header = _check_header(path, text, tensors)
    weights = {n: value for n, value in tensors.items() if not n.startswith(_STATE)}
    state = {n.removeprefix(_STATE): v for n, v in tensors.items() if n.startswith(_STATE)}
    return Checkpoint(header, weights, state)


def _check_header(path: Path, text: str, weights: Tensors) -> Header:
    """Parse the header and check it against the tensors.

    Raises:
        UserError: another format, a field that is wrong, or a digest that does not fit.
    """
    name = f"checkpoint {str(path)!r}"
    try:
        tree = json.loads(text)
        version = tree["format"]
        if version == 2:
            text = json.dumps(old_names.header_from_2(tree))
        if version in (2, FORMAT):
            header = _HEADER.validate_json(text, strict=True)
    except UserError as error:  # of settings that do not go together
        raise UserError(f"{name}: its header is damaged ({error}); use another one") from error
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{name}: its header is damaged; use another checkpoint") from error
    if version not in (2, FORMAT):
        raise UserError(f"{name}: got format {version}, needed {FORMAT}; train it again")
    if not all(np.isfinite(value).all() for value in weights.values() if value.dtype.kind == "f"):
        raise UserError(f"{name}: has weights that are not finite; use another checkpoint")
    if header.digest != _digest(header, weights):
        raise UserError(
            f"{name}: was changed after it was saved (its digest differs); use another checkpoint"
        )
    fault = next(_faults(header), "")
    if fault:
        raise UserError(f"{name}: {fault}; use another checkpoint")
    return replace(header, format=FORMAT)


def _faults(header: Header) -> Iterator[str]:
    """Describe impossible values in a header whose fields have the right types."""
    symbols = header.vocabulary
    if (
        symbols[:1] != (PADDING,)
        or len(symbols) < 2
        or len(set(symbols)) != len(symbols)
        or any(len(symbol) != 1 for symbol in symbols)
    ):
        yield "its vocabulary is damaged"
    words = (header.corpus, *header.versions, *header.versions.values())
    if max(map(len, words)) > LONGEST:
        yield f"it has a name of {max(map(len, words)):,} letters, needed at most {LONGEST:,}"
    if not 0 <= header.sequences < 2**63:
        yield f"got {header.sequences} sequences, needed a count"
    for points in (header.train, header.held_out):
        at = [0, *(point.sequences for point in points), header.sequences]
        if at != sorted(at):
            yield "its curve goes backward, or beyond its sequences"
        if not all(_may_be(point.loss) and 0 <= point.accuracy < 1.001 for point in points):
            yield "its curve has losses or accuracies that cannot be"
    if header.position is not None:
        yield from _faults_of_position(header.position, header)


def _faults_of_position(position: Position, header: Header) -> Iterator[str]:
    """Describe impossible values in a position."""
    if position.steps * header.settings.batch != header.sequences:
        yield (
            f"position: got {position.steps} steps of {header.settings.batch} sequences, and "
            f"{header.sequences} in all"
        )
    if not 0 <= position.batches <= position.steps:
        yield f"position.batches: got {position.batches}, needed 0 to {position.steps}"
    *sums, count = position.tally
    if not 0 <= count <= position.steps or not all(map(_may_be, sums)):
        yield f"position.tally: got {position.tally}, needed sums over at most {position.steps}"
    for name in ("start", "moving_average"):
        value = getattr(position, name)
        if value is not None and not _may_be(value):
            yield f"position.{name}: got {value}, needed a loss"
    if (position.start is None) != (position.moving_average is None):
        yield "position: got one of start and moving_average, needed both or none"
    for name in ("generator", "order"):
        state = getattr(position, name)
        if state is not None and not _is_generator(state):
            yield f"position.{name}: is no state of a random generator"
    if not re.fullmatch("[0-9a-f]{64}", position.text):
        yield "position.text: is no SHA-256"


def _may_be(loss: float) -> bool:
    """Return whether a number may be a loss or a sum of losses; rounding may make it negative."""
    return -1 < loss < 1e20


def _is_generator(text: str) -> bool:
    """Return whether a text is the state of a random generator, as JSON."""
    try:
        if len(text) > LONGEST:
            return False
        generator = np.random.default_rng(0).bit_generator
        generator.state = json.loads(text)
        return bool(generator.state == json.loads(text))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return False
