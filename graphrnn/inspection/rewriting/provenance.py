"""Tells where a compiled node comes from: a line of the user's, or a rewrite and its input."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphrnn.inspection.record.graph import Node
from graphrnn.inspection.record.op_table import name_and_kind
from graphrnn.inspection.rewriting.history import GraphHistory, rewrite_name
from graphrnn.native.ir.source_lines import lines_outside

_OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Origin:
    """Where a node comes from.

    `file` and `line` are the user's source, `code` its text; `rewrites` are the rewrites on the way
    from a written node, the last first; `ancestors` are those written nodes.
    """

    file: str = ""
    line: int = 0
    code: str = ""
    rewrites: tuple[str, ...] = ()
    ancestors: tuple[Any, ...] = ()

    @property
    def known(self) -> bool:
        """Say whether anything is known."""
        return bool(self.file or (self.rewrites and self.ancestors))

    def text(self) -> str:
        """Write it in one line."""
        told = []
        if self.file:
            told.append(f"{Path(self.file).name}:{self.line}  {self.code}".rstrip())
        if self.rewrites:
            told.append(f"by {', then '.join(reversed(self.rewrites[:3]))}")
        if self.ancestors and not self.file:
            told.append("from " + ", ".join(name_and_kind(a.op)[0] for a in self.ancestors[:3]))
        return "; ".join(told) or "unknown"


class Provenance:
    """Finds the origin of every node of a graph whose history was recorded."""

    def __init__(self, histories: list[GraphHistory]) -> None:
        self.parents: dict[Any, tuple[str, tuple[Any, ...]]] = {}
        self.written: set[Any] = set()
        for history in histories:
            self.written |= set(history.operands)
            for edit in history.edits:
                old = (edit.old.owner,) if edit.old.owner is not None else ()
                reader = () if isinstance(edit.node, str) else (edit.node,)
                for node, _ in edit.imported:
                    # What replaces an input or a constant comes from the node that reads it.
                    self.parents.setdefault(node, (edit.rewrite, old or reader))
        self._found: dict[Any, Origin] = {}

    def of(self, node: Node | Any) -> Origin:
        """Give the origin of a node."""
        apply = node.apply if isinstance(node, Node) else node
        if apply not in self._found:
            self._found[apply] = self._trace(apply)
        return self._found[apply]

    def _trace(self, apply: Any) -> Origin:
        rewrites: list[str] = []
        ancestors: list[Any] = []
        seen: set[Any] = set()
        waiting = [apply]
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            if one in self.written or one not in self.parents:
                if one is not apply or one in self.written:
                    ancestors.append(one)
                continue
            rewrite, olds = self.parents[one]
            rewrites.append(rewrite)
            waiting += olds
        for one in (apply, *ancestors):
            found = source_line(one)
            if found is not None:
                return Origin(*found, tuple(rewrites), tuple(ancestors))
        reasons = getattr(apply.tag, "imported_by", None) or ()
        if not rewrites and reasons and apply not in self.written:
            rewrites = [rewrite_name(reason) for reason in reasons if reason and reason != "init"]
        return Origin(rewrites=tuple(rewrites), ancestors=tuple(ancestors))


def source_line(apply: Any) -> tuple[str, int, str] | None:
    """Find the line outside of Aesara that made a node: file, number, text."""
    for file, line, text in lines_outside(apply, _OURS):
        return file, line, text or _line_of(file, line)
    return None


@cache
def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _line_of(file: str, number: int) -> str:
    lines = _lines(file)
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""
