"""Folds the repeated lines of an unrolled loop into lines with counts, and compares two listings.

Nodes that apply the same op to the same kinds of operands become one line with a count, wherever
they are: a graph unrolled 64 times prints as many lines as one unrolled 8 times.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphrnn.inspection.listing.lines import HEADINGS, WIDTH, Line, Listing, columns_of, layout

TIMES = "\N{MULTIPLICATION SIGN}"
REPEATED = 4
"""The smallest number of lines to fold; the first and last steps of a loop differ from others."""

Key = tuple[str, ...]


@dataclass(frozen=True)
class Folded:
    """A line that stands for `count` similar ones; `around` is how often its loop runs."""

    line: Line
    key: Key
    count: int
    around: int | None = None

    @property
    def times(self) -> int | None:
        """How often the line is computed."""
        return None if self.around is None else self.count * self.around


def fold(listing: Listing) -> list[Folded]:
    """Fold the lines of a listing.

    The middle one of similar lines is shown: the first and last steps of a loop are special.
    """
    makers = {line.name: line for line in listing.lines if line.depth == 0 and line.op_name}
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
    """Yield the lines to show, in order, with how often the loops around them run."""
    around: list[int | None] = [1]
    for k, line in enumerate(lines):
        del around[line.depth + 1 :]
        outside = around[line.depth] if line.depth < len(around) else around[-1]
        if k in shown:
            yield Folded(*_keyed(shown[k][0]), shown[k][1], outside)
        elif line.part != "node" or line.depth > 0:
            yield Folded(*_keyed(line), 1, outside)
        if line.part == "node" and not line.op_name.partition(".")[2]:
            inner = None if line.steps is None or outside is None else outside * line.steps
            around = [*around[: line.depth + 1], inner]


def _keyed(line: Line) -> tuple[Line, Key]:
    """Return a line with the key that identifies it in another listing."""
    if line.part == "node":
        return line, ("node", _base(line), line.type)
    if line.part == "fused":
        return line, ("fused", line.op_name, line.dtype)
    if line.part == "input":
        return line, ("input", line.name, line.type)
    return line, (line.part, line.name if line.part == "update" else "", str(line.depth))


def _signature(line: Line, makers: dict[str, Line]) -> Key:
    """Return a key of a line's op and operands, without names that differ between steps."""
    operands: list[str] = []
    for name in line.operands:
        maker = makers.get(name)
        operand = f"{_base(maker)} {maker.type}" if maker else re.sub(r"\d+", "#", name)
        if not operands or operands[-1] != operand:
            operands.append(operand)
    return (_base(line), line.type, *operands)


def _base(line: Line) -> str:
    """Return the op name of a line; all further results of a node have the same."""
    op_name, dot, _ = line.op_name.partition(".")
    return f"{op_name} result" if dot else op_name


def _shortened(line: Line) -> Line:
    """Return a line without the middle of a long list of operands."""
    if len(line.operands) <= 6 or line.steps is not None:
        return line
    operands = ", ".join([*line.operands[:2], "…", line.operands[-1]])
    text = f"= {line.op_name}({operands}), {len(line.operands)} operands"
    return Line(**{**line.__dict__, "text": text})


def folded_text(listing: Listing, width: int = WIDTH) -> str:
    """Return a folded listing as text: repeated lines appear once, under their count."""
    return "\n".join([listing.title, *render_folded(fold(listing), width)]) + "\n"


def render_folded(lines: Sequence[Folded], width: int = WIDTH) -> list[str]:
    """Format folded lines; adjacent lines with the same count share one heading."""
    rendered: list[str] = []
    count, part = 1, ""
    columns = columns_of([folded.line for folded in lines])
    for folded in lines:
        if folded.line.depth == 0 and folded.line.part not in (part, "fused"):
            count, part = 1, folded.line.part
            rendered.append(HEADINGS[part])
        if folded.count != count and folded.line.depth == 0:
            count = folded.count
            rendered.append(f"  {TIMES} {count}")
        rows = layout(folded.line, columns[folded.line.depth], width)
        # One row a line: the length of the listing must not depend on the digits of T.
        rendered.append(rows[0] if len(rows) == 1 else f"{rows[0][: width - 2]} …")
    return rendered


@dataclass(frozen=True)
class Difference:
    """One line of a comparison: `sign` is " " in both, "-" only in the first, "+" in the second."""

    sign: str
    text: str


def compare(a: Listing, b: Listing, width: int = WIDTH) -> list[Difference]:
    """Compare two folded listings by their ops and types; names may differ.

    A line in a loop's body matches the same line of an unrolled graph. The counts on the left are
    how often each listing computes the line.
    """
    first, second = fold(a), fold(b)
    differences: list[Difference] = []
    matcher = difflib.SequenceMatcher(
        None, [f.key for f in first], [f.key for f in second], autojunk=False
    )
    columns = [_flat_columns(first), _flat_columns(second)]
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            for left, right in zip(first[i:j], second[k:m], strict=True):
                differences += _shown(" ", left, right, columns[0], width)
            continue
        for left in first[i:j]:
            differences += _shown("-", left, None, columns[0], width)
        for right in second[k:m]:
            differences += _shown("+", None, right, columns[1], width)
    return differences


def _flat_columns(lines: Sequence[Folded]) -> tuple[int, int]:
    """Return the widths of names and types, ignoring the depth of lines."""
    flat = [Line(**{**folded.line.__dict__, "depth": 0}) for folded in lines]
    return columns_of(flat)[0] if flat else (0, 0)


def _shown(
    sign: str, left: Folded | None, right: Folded | None, columns: tuple[int, int], width: int
) -> list[Difference]:
    """Format a line of a comparison, with how often each side computes it."""
    line = (left or right).line  # type: ignore[union-attr]
    counts = "".join(f"{_times(folded):>6}" for folded in (left, right))
    flat = Line(**{**line.__dict__, "depth": 0})
    rows = layout(flat, columns, width - len(counts) - 2)
    return [
        Difference(sign, f"{sign}{counts if k == 0 else ' ' * len(counts)}{row}".rstrip())
        for k, row in enumerate(rows)
    ]


def _times(folded: Folded | None) -> str:
    """Format a count."""
    if folded is None or folded.line.part not in ("node", "fused"):
        return ""
    return f"{TIMES} {'?' if folded.times is None else folded.times}"


def summary(differences: Sequence[Difference], a: str, b: str) -> str:
    """Return one line that says how much two listings share."""
    signs = [d.sign for d in differences if d.text[1:13].strip()]
    return (
        f"in both {signs.count(' ')}, only in {a} {signs.count('-')}, "
        f"only in {b} {signs.count('+')} (kinds of nodes)"
    )
