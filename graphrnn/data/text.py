"""Text: corpora, vocabulary, characters ↔ indices, the split into training and held-out text."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graphrnn import files
from graphrnn.data.prose import python_prose
from graphrnn.errors import UserError, reason, unknown
from graphrnn.files import require_kind
from graphrnn.user_cache import cache_folder

import numpy as np
import numpy.typing as npt
import pooch

Indices = npt.NDArray[np.int32]

Stored = npt.NDArray[Any]
"""A whole text as indices, as narrow as its vocabulary allows; batches of it are int32."""

_PIECE = 1_000_000
"""Characters of a long text that are encoded at once."""

READ_AT_MOST = 2**18
"""Characters of a held-out text that a validation reads: from its beginning, so many at most."""

PADDING = "\0"
"""The symbol at index 0, as in the lesson: it represents no character and is in no corpus."""

_NIETZSCHE_URL = "https://s3.amazonaws.com/text-datasets/nietzsche.txt"
_NIETZSCHE_SHA256 = "23cf69874ab69d3d256099ab530ea4be24d47d9675b673bcc67cbcd6298ec647"


@dataclass(frozen=True)
class Vocabulary:
    """The characters that a network knows, sorted, with the padding symbol at index 0.

    Example:
        >>> vocabulary = Vocabulary.of("abba!")
        >>> len(vocabulary), vocabulary.encode("ab!").tolist(), vocabulary.decode([2, 3])
        (4, [2, 3, 1], 'ab')
    """

    characters: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Vocabulary":
        """Build the vocabulary of a text."""
        return cls((PADDING, *sorted(set(text) - {PADDING})))

    def __len__(self) -> int:
        """Return the number of characters, padding included."""
        return len(self.characters)

    @cached_property
    def _table(self) -> Indices:
        """A table from code points to indices, or to -1."""
        points = np.array([ord(character) for character in self.characters])
        table = np.full(points.max() + 1, -1, dtype=np.int32)
        table[points] = np.arange(len(self.characters), dtype=np.int32)
        table[ord(PADDING)] = -1  # padding must not occur in a text
        return table

    def encode(self, text: str) -> Indices:
        """Encode a text of n characters as n indices, int32 `(n,)`.

        Raises:
            UserError: the text has characters that the vocabulary lacks; they are listed.
        """
        # surrogatepass: a lone surrogate (a mangled argument) must raise the error below.
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        known = points < len(self._table)
        indices = np.where(known, self._table[np.where(known, points, 0)], np.int32(-1))
        if (indices < 0).any():
            missing = sorted({text[i] for i in np.flatnonzero(indices < 0)})
            shown = ", ".join(ascii(character) for character in missing[:10])
            more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
            raise UserError(
                f"text: got characters that the network has never seen: {shown}{more}; "
                f"use only the {len(self) - 1} characters of its corpus"
            )
        return indices.astype(np.int32)

    def store(self, text: str) -> Stored:
        """Encode a long text of n characters as n indices, of 8 or 16 bits where these suffice.

        So a text of 100 MB and its indices never take more than 200 MB.

        Raises:
            UserError: as `encode`.

        Example:
            >>> Vocabulary.of("abba!").store("ab!")
            array([2, 3, 1], dtype=uint8)
        """
        kinds = (np.uint8, np.uint16, np.int32)
        kind = next(k for k in kinds if len(self) <= np.iinfo(k).max + 1)
        stored: Stored = np.empty(len(text), dtype=kind)
        for first in range(0, len(text), _PIECE):
            stored[first : first + _PIECE] = self.encode(text[first : first + _PIECE])
        return stored

    def decode(self, indices: npt.ArrayLike) -> str:
        """Decode indices `(n,)` to a text of n characters."""
        return "".join(self.characters[i] for i in np.asarray(indices, dtype=np.int64))


@dataclass(frozen=True)
class Corpus:
    """A named text."""

    name: str
    text: str


def python_docs() -> str:
    """Return the language reference that CPython includes, its topics in alphabetical order."""
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def nietzsche() -> str:
    """Return the lesson's corpus, downloaded once and checked against its SHA-256.

    Raises:
        UserError: the download failed, or the text is another one.
    """
    folder = cache_folder() / "corpora"
    require_kind(folder / "nietzsche.txt", "a file", f"cache {str(folder)!r}")
    pooch.get_logger().setLevel("ERROR")
    try:
        name = pooch.retrieve(
            _NIETZSCHE_URL,
            known_hash=f"sha256:{_NIETZSCHE_SHA256}",
            fname="nietzsche.txt",
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=20),
        )
    except Exception as error:
        # pooch passes on whatever the network library raises; all of it means the same here.
        raise UserError(
            f"corpus nietzsche: could not be downloaded ({type(error).__name__}); "
            "if you have the file, name it instead: --corpus path/to/nietzsche.txt"
        ) from error
    return read_text(Path(name), regular=True)


CORPORA: dict[str, Callable[[], str]] = {
    "python-prose": python_prose,
    "python-docs": python_docs,
    "nietzsche": nietzsche,
}
"""The corpora that have a name; the first is the default."""

OF_PYTHON = ("python-prose", "python-docs")
"""Corpora that are another text for another version of Python."""


class NotTextError(UserError):
    """A file that holds something other than UTF-8 text."""


def read_text(path: Path, *, regular: bool = False) -> str:
    """Read a UTF-8 text file, without its byte-order mark and with LF line endings.

    With `regular` it must be a regular file: not a pipe or a device.

    Raises:
        UserError: missing, unreadable, a folder, binary, or not UTF-8 (with the offset).
    """
    try:
        data = files.read_file(path, links=True) if regular else path.read_bytes()
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise UserError(f"corpus {str(path)!r}: {why}; name a text file") from error
    if b"\0" in data:
        offset = data.index(b"\0")
        raise NotTextError(
            f"corpus {str(path)!r}: is binary (byte {offset} is zero); name a UTF-8 text file"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotTextError(
            f"corpus {str(path)!r}: is not UTF-8 (byte {data[error.start]:#04x} at offset "
            f"{error.start}); convert it, for example with iconv -t UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def load_corpus(name: str, tell: Callable[[str], None] | None = None) -> Corpus:
    """Load a corpus by its name (see `CORPORA`), or a text file, a folder of them, or a pattern.

    A path from a checkpoint, and not from the user, is untrusted: `tell` gets a message about it
    before it is opened, and it must be a regular file.

    Raises:
        UserError: there is no such corpus or file, or it cannot be used.
    """
    if name in CORPORA:
        return Corpus(name, CORPORA[name]())
    path = Path(name)
    several = any(letter in name for letter in "*?[") and not _exists(path)
    if not several and not (os.sep in name or path.suffix or _exists(path)):
        raise unknown("corpus", name, [*CORPORA, "path/to/file.txt"])
    if tell is not None:
        tell(f"reading {str(path)!r}, the text that the run names")
    folder = os.path.isdir(path)  # noqa: PTH112  where Path.is_dir raises
    if several or folder:
        text = read_texts(path, regular=tell is not None)
    else:
        text = read_text(path, regular=tell is not None)
    if not text.strip():
        raise UserError(f"corpus {name!r}: is empty; name a file with text in it")
    name = path.parent.name if several else path.name if folder else path.stem
    return Corpus(name or "texts", text)


def _exists(path: Path) -> bool:
    """Return whether there is such a path; one that cannot be looked up counts as there."""
    try:
        return path.exists()
    except OSError:
        return True  # whoever reads it raises an error that names the cause


def read_texts(path: Path, *, regular: bool = False) -> str:
    """Read all texts below a folder, or those whose paths fit a pattern, in the order of paths.

    Hidden files are left out, and so are files that are no text. With `regular`, links are too.

    Raises:
        UserError: no file is left, or one cannot be read.
    """
    anchor = Path(path.anchor or ".")
    pattern = "**/*" if path.is_dir() else str(path.relative_to(path.anchor))
    below = path if path.is_dir() else anchor
    paths = [
        file
        for file in sorted(below.glob(pattern))
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(below).parts)
        and not (regular and file.is_symlink())
    ]
    texts = []
    for file in paths:
        with contextlib.suppress(NotTextError):
            texts.append(read_text(file, regular=regular))
    if not any(texts):
        raise UserError(f"corpus {str(path)!r}: has no text in it; name files of UTF-8 text")
    return "\n".join(filter(None, texts))


def border(length: int, held_out: float) -> int:
    """Return where the held-out end of a corpus begins.

    Example:
        >>> border(10, 0.2), border(10, 0.0)
        (8, 10)
    """
    return length - round(length * held_out)


def split(indices: Stored, held_out: float) -> tuple[Stored, Stored]:
    """Split the end of a corpus off as held-out text: `(n,)` → `(n - m,)`, `(m,)`, both views.

    Example:
        >>> train, rest = split(np.arange(10, dtype=np.int32), held_out=0.2)
        >>> train.tolist(), rest.tolist()
        ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9])
    """
    first = border(len(indices), held_out)
    return indices[:first], indices[first:]
