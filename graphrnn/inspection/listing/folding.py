"""Folds what an unrolled loop repeats into blocks that say how often, and compares two listings.

Nodes that do the same to the same kinds of operands are one line with a count, wherever they
stand: a graph unrolled 64 times prints as many lines as one unrolled 8 times.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphrnn.inspection.listing.lines import HEADINGS, WIDTH, Line, Listing, columns_of, layout

TIMES = "\N{MULTIPLICATION SIGN}"
REPEATED = 4
"""So often a line must be there to be folded; the ends of a loop differ from its middle."""

Key = tuple[str, ...]


@dataclass(frozen=True)
class Folded:
    """A line that stands for `count` alike; `around` is how often the loop around it runs."""

    line: Line
    key: Key
    count: int
    around: int | None = None

    @property
    def times(self) -> int | None:
        """How often it is computed."""
        return None if self.around is None else self.count * self.around


def fold(listing: Listing) -> list[Folded]:
    """Fold the lines of a listing.

    Of lines that are alike the middle one is shown: the first and last steps of a loop are special.
    """
    makers = {line.name: line for line in listing.lines if line.depth == 0 and line.word}
    groups: dict[Key, list[int]] = {}
    for k, line in enumerate(listing.lines):
        if line.part == "node" and line.depth == 0:
            groups.setdefault(_signature(line, makers), []).append(k)
    shown: dict[int, tuple[Line, int]] = {}
    for members in groups.values():
        if len(members) >= REPEATED:
            middle = listing.lines[members[len(members) // 2]]
            shown[members[0]] = (_shortened(middle), len(members))
        else:
            shown |= {k: (_shortened(listing.lines[k]), 1) for k in members}
    return list(_in_order(listing.lines, shown))


def _in_order(lines: Sequence[Line], shown: dict[int, tuple[Line, int]]) -> Iterator[Folded]:
    """Give the lines that are shown, in order, with how often the loops around them run."""
    around: list[int | None] = [1]
    for k, line in enumerate(lines):
        del around[line.depth + 1 :]
        outside = around[line.depth] if line.depth < len(around) else around[-1]
        if k in shown:
            yield Folded(*_keyed(shown[k][0]), shown[k][1], outside)
        elif line.part != "node" or line.depth > 0:
            yield Folded(*_keyed(line), 1, outside)
        if line.part == "node" and not line.word.partition(".")[2]:
            inner = None if line.steps is None or outside is None else outside * line.steps
            around = [*around[: line.depth + 1], inner]


def _keyed(line: Line) -> tuple[Line, Key]:
    """Give a line with what it is recognised by in another listing."""
    if line.part == "node":
        return line, ("node", _base(line), line.type)
    if line.part == "fused":
        return line, ("fused", line.word, line.dtype)
    if line.part == "input":
        return line, ("input", line.name, line.type)
    return line, (line.part, line.name if line.part == "update" else "", str(line.depth))


def _signature(line: Line, makers: dict[str, Line]) -> Key:
    """Say what a line does and to what, without the names that differ from step to step."""
    operands: list[str] = []
    for name in line.operands:
        maker = makers.get(name)
        what = f"{_base(maker)} {maker.type}" if maker else re.sub(r"\d+", "#", name)
        if not operands or operands[-1] != what:
            operands.append(what)
    return (_base(line), line.type, *operands)


def _base(line: Line) -> str:
    """Give the word of a line; all further results of a node are alike."""
    word, dot, _ = line.word.partition(".")
    return f"{word} result" if dot else word


def _shortened(line: Line) -> Line:
    """Leave out the middle of a long row of operands."""
    if len(line.operands) <= 6 or line.steps is not None:
        return line
    kept = ", ".join([*line.operands[:2], "…", line.operands[-1]])
    text = f"= {line.word}({kept}), {len(line.operands)} operands"
    return Line(**{**line.__dict__, "text": text})


def folded_text(listing: Listing, width: int = WIDTH) -> str:
    """Write a listing folded: repeated lines stand once, under how often."""
    return "\n".join([listing.title, *render_folded(fold(listing), width)]) + "\n"


def render_folded(lines: Sequence[Folded], width: int = WIDTH) -> list[str]:
    """Lay folded lines out; neighbours with the same count share one heading."""
    told: list[str] = []
    count, part = 1, ""
    columns = columns_of([folded.line for folded in lines])
    for folded in lines:
        if folded.line.depth == 0 and folded.line.part not in (part, "fused"):
            count, part = 1, folded.line.part
            told.append(HEADINGS[part])
        if folded.count != count and folded.line.depth == 0:
            count = folded.count
            told.append(f"  {TIMES} {count}")
        rows = layout(folded.line, columns[folded.line.depth], width)
        # One row a line, whatever T is and however many digits it has.
        told.append(rows[0] if len(rows) == 1 else f"{rows[0][: width - 2]} …")
    return told


@dataclass(frozen=True)
class Difference:
    """One line of a comparison: `sign` is " " in both, "-" only in the first, "+" in the second."""

    sign: str
    text: str


def compare(a: Listing, b: Listing, width: int = WIDTH) -> list[Difference]:
    """Compare two listings, folded, by what their lines do: names may differ.

    A line in a loop's body matches the same line of an unrolled graph. The counts on the left say
    how often each is computed in the one and in the other.
    """
    first, second = fold(a), fold(b)
    told: list[Difference] = []
    matcher = difflib.SequenceMatcher(
        None, [f.key for f in first], [f.key for f in second], autojunk=False
    )
    columns = [_flat_columns(first), _flat_columns(second)]
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            for one, two in zip(first[i:j], second[k:m], strict=True):
                told += _shown(" ", one, two, columns[0], width)
            continue
        for one in first[i:j]:
            told += _shown("-", one, None, columns[0], width)
        for two in second[k:m]:
            told += _shown("+", None, two, columns[1], width)
    return told


def _flat_columns(lines: Sequence[Folded]) -> tuple[int, int]:
    """Give the widths of names and types, whatever loop they are in."""
    flat = [Line(**{**folded.line.__dict__, "depth": 0}) for folded in lines]
    return columns_of(flat)[0] if flat else (0, 0)


def _shown(
    sign: str, one: Folded | None, two: Folded | None, columns: tuple[int, int], width: int
) -> list[Difference]:
    """Write a line of a comparison, with how often it is computed on each side."""
    line = (one or two).line  # type: ignore[union-attr]
    counts = "".join(f"{_times(folded):>6}" for folded in (one, two))
    flat = Line(**{**line.__dict__, "depth": 0})
    rows = layout(flat, columns, width - len(counts) - 2)
    return [
        Difference(sign, f"{sign}{counts if k == 0 else ' ' * len(counts)}{row}".rstrip())
        for k, row in enumerate(rows)
    ]


def _times(folded: Folded | None) -> str:
    """Write a count."""
    if folded is None or folded.line.part not in ("node", "fused"):
        return ""
    return f"{TIMES} {'?' if folded.times is None else folded.times}"


def summary(differences: Sequence[Difference], a: str, b: str) -> str:
    """Say in one line how much two listings share."""
    signs = [d.sign for d in differences if d.text[1:13].strip()]
    return (
        f"in both {signs.count(' ')}, only in {a} {signs.count('-')}, "
        f"only in {b} {signs.count('+')} (kinds of nodes)"
    )
