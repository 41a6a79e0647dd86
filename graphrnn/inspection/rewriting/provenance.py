"""Traces a compiled node to the user's source line, or to rewrites and their written nodes."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphrnn.inspection.record.graph import Node
from graphrnn.inspection.record.op_table import name_and_kind
from graphrnn.inspection.rewriting.history import GraphHistory, rewrite_name
from graphrnn.symbolic.source_lines import lines_outside

_INSPECTION = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Origin:
    """The origin of a node.

    `file`, `line` and `code` are the user's source line; `rewrites` are the rewrites that led from
    written nodes to this one, the last first; `ancestors` are those written nodes.
    """

    file: str = ""
    line: int = 0
    code: str = ""
    rewrites: tuple[str, ...] = ()
    ancestors: tuple[Any, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything is known."""
        return bool(self.file or (self.rewrites and self.ancestors))

    def text(self) -> str:
        """Describe the origin in one line."""
        parts = []
        if self.file:
            parts.append(f"{Path(self.file).name}:{self.line}  {self.code}".rstrip())
        if self.rewrites:
            parts.append(f"by {', then '.join(reversed(self.rewrites[:3]))}")
        if self.ancestors and not self.file:
            parts.append("from " + ", ".join(name_and_kind(a.op)[0] for a in self.ancestors[:3]))
        return "; ".join(parts) or "unknown"


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
        self._origins: dict[Any, Origin] = {}

    def of(self, node: Node | Any) -> Origin:
        """Return the origin of a node."""
        apply = node.apply if isinstance(node, Node) else node
        if apply not in self._origins:
            self._origins[apply] = self._trace(apply)
        return self._origins[apply]

    def _trace(self, apply: Any) -> Origin:
        rewrites: list[str] = []
        ancestors: list[Any] = []
        visited: set[Any] = set()
        waiting = [apply]
        while waiting:
            node = waiting.pop()
            if node in visited:
                continue
            visited.add(node)
            if node in self.written or node not in self.parents:
                if node is not apply or node in self.written:
                    ancestors.append(node)
                continue
            rewrite, olds = self.parents[node]
            rewrites.append(rewrite)
            waiting += olds
        for node in (apply, *ancestors):
            location = source_line(node)
            if location is not None:
                return Origin(*location, tuple(rewrites), tuple(ancestors))
        reasons = getattr(apply.tag, "imported_by", None) or ()
        if not rewrites and reasons and apply not in self.written:
            rewrites = [rewrite_name(reason) for reason in reasons if reason and reason != "init"]
        return Origin(rewrites=tuple(rewrites), ancestors=tuple(ancestors))


def source_line(apply: Any) -> tuple[str, int, str] | None:
    """Return the file, number and text of the line outside Aesara that made a node."""
    for file, line, text in lines_outside(apply, _INSPECTION):
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
