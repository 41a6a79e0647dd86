"""Gives every variable of a graph a name: the user's where there is one, else a readable one."""

import re
from typing import Any

from graphrnn.inspection.record.graph import Graph, Node, Role, dtype_of, is_constant, is_scan
from graphrnn.inspection.record.op_table import word_and_kind

import numpy as np

LONGEST = 28
_TAP = re.compile(r"\[t([+-]\d+)?\]$")


class Names:
    """The names of one scope: the outer graph, or the body of one loop."""

    def __init__(self, graph: Graph, outer: "Names | None" = None) -> None:
        self.graph = graph
        self.outer = outer
        self._names: dict[Any, str] = {}
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}
        self.bodies: dict[Node, Names] = {}
        self.constants: dict[Any, str] = {}
        if outer is not None:
            self._name_ends(graph, outer)
        for variable in graph.inputs:
            if variable not in self._names:
                self._give(variable, clean(variable.name) or _kind_word(variable))
        self._keep_users_names(graph)
        for node in graph.nodes:
            for operand in node.inputs:
                if is_constant(operand):
                    self._constant(operand)
            self._name_results(node)
            if node.body is not None:
                self.bodies[node] = Names(node.body, self)
        for variable in (*graph.outputs, *(new for _, new in graph.updates)):
            if is_constant(variable):
                self._constant(variable)
            elif variable not in self._names:
                self._give(variable, clean(variable.name) or "input")

    def of(self, variable: Any) -> str:
        """Give a variable's name; a small constant is written out."""
        if variable in self._names:
            return self._names[variable]
        return self._constant(variable) if is_constant(variable) else "?"

    def written(self, variable: Any) -> str | None:
        """Give the name of a variable that has one; None for a constant that is written out."""
        return self._names.get(variable)

    def _keep_users_names(self, graph: Graph) -> None:
        """Let the user's own names win over generated ones, wherever they stand."""
        for node in graph.nodes:
            for result in node.outputs:
                name = clean(_TAP.sub("", result.name) if result.name else None)
                if name and result not in self._names:
                    self._give(result, name)

    def _give(self, variable: Any, wanted: str) -> None:
        """Give a variable a name that nothing else in this scope has."""
        count = self._counts.get(wanted, 0) + 1
        name = wanted if count == 1 else f"{wanted}_{count}"
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._counts[wanted] = count
        self._taken.add(name)
        self._names[variable] = name

    def _name_results(self, node: Node) -> None:
        """Name the results of a node after its operation, or a loop's after what it carries."""
        told = list(node.outputs)
        states = loop_names(node) if node.body is not None else {}
        for result in told:
            if result not in self._names:
                self._give(result, states.get(result) or node.word)

    def _name_ends(self, graph: Graph, outer: "Names") -> None:
        """Name the inputs of a body for their roles."""
        for variable, role in zip(graph.inputs, graph.input_roles, strict=True):
            self._give(variable, end_name(variable, role, outer))

    def _constant(self, variable: Any) -> str:
        """Write a constant out if it is small, else name it."""
        if variable in self.constants:
            return self.constants[variable]
        text = literal(variable)
        if text is None:
            self._give(variable, "const")
            text = self._names[variable]
        self.constants[variable] = text
        return text


def _kind_word(variable: Any) -> str:
    """Name an input that has no name for what it is."""
    return "input" if hasattr(variable.type, "ndim") else dtype_of(variable)


def clean(name: str | None) -> str:
    """Make a name fit a line: no blanks, not too long; what it consists of is the user's business.

    Example:
        >>> clean("two words"), clean("x" * 40)
        ('two_words', 'xxxxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    told = re.sub(r"^\((d.*/d.*)\)$", r"\1", str(name or ""))
    told = re.sub(r"\s", "_", "".join(c for c in told if c.isprintable() or c.isspace()))
    return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def tap(base: str, offset: int) -> str:
    """Say at which time a variable is taken.

    Example:
        >>> tap("h", -1), tap("x", 0), tap("dh", 1)
        ('h_tm1', 'x_t', 'dh_tp1')
    """
    if offset == 0:
        return f"{base}_t"
    return f"{base}_t{'m' if offset < 0 else 'p'}{abs(offset)}"


# What only moves a value to where a loop wants it: a name reaches through.
_PLUMBING = {
    "slice": 0,
    "specify_shape": 0,
    "expand_dims": 0,
    "squeeze": 0,
    "unbroadcast": 0,
    "reshape": 0,
    "copy": 0,
    "view": 0,
    "set": 1,
}


def behind(variable: Any) -> Any:
    """Find the named variable that a loop's operand carries, or the first that is computed.

    Example:
        >>> import aesara.tensor as at
        >>> behind(at.matrix("h_0")[None, :2]).name
        'h_0'
    """
    while variable.owner is not None and not variable.name:
        word, _ = word_and_kind(variable.owner.op)
        if word not in _PLUMBING:
            break
        variable = variable.owner.inputs[_PLUMBING[word]]
    return variable


def end_name(variable: Any, role: Role, outer: Names) -> str:
    """Name an input of a body: `x_t`, `h_tm1`, `W_hh`."""
    base = clean(base_name(variable.name))
    if role.kind in ("constant", "argument"):
        outside = outer.of(role.outer) if role.outer is not None else ""
        return outside if outside and _is_word(outside) else base or "const"
    if not base and role.outer is not None:
        source = behind(role.outer)
        base = clean(source.name)
        if not base and source.owner is not None:
            base = word_and_kind(source.owner.op)[0]
        elif not base and not is_constant(source):
            base = outer.of(source) if _is_word(outer.of(source)) else ""
    base = base or role.kind
    base = re.sub(r"_0$", "", base) if role.kind == "state" else base
    return tap(base, role.taps[0] if role.taps else 0)


def base_name(name: str | None) -> str:
    """Take the time and the word that Aesara adds off a name.

    Example:
        >>> base_name("h_0[t-1]"), base_name("W_hh_copy"), base_name("x_t")
        ('h_0', 'W_hh', 'x')
    """
    told = _TAP.sub("", name or "").removesuffix("_copy")
    told = re.sub(r"(\[[-:\d]*\])+$", "", told)
    return re.sub(r"_t([mp]\d+)?$", "", told)


def loop_names(node: Node) -> dict[Any, str]:
    """Name a scan's results after the states that they collect."""
    found: dict[Any, str] = {}
    if node.body is None or not is_scan(node.op):
        return found
    outer_outputs = list(node.outputs)
    sit = list(node.op.outer_sitsot_outs(outer_outputs))
    inner = list(node.op.inner_sitsot(list(node.body.inputs)))
    for result, variable in zip(sit, inner, strict=False):
        base = re.sub(r"_0$", "", clean(base_name(variable.name)))
        if base:
            found[result] = base
    return found


def _is_word(text: str) -> bool:
    """Say whether a text is a name and no written-out constant."""
    return bool(re.match(r"[^\W\d]", text)) and not text.startswith(("True", "False", "None"))


def literal(variable: Any) -> str | None:
    """Write a small constant as a number or a short list; None if it is too large.

    Example:
        >>> import aesara.tensor as at
        >>> literal(at.constant(0.5)), literal(at.constant([1, 2]))
        ('0.5', '[1, 2]')
    """
    data = variable.data
    if data is None:
        return "None"
    if isinstance(data, slice):
        parts = ["" if p is None else str(p) for p in (data.start, data.stop, data.step)]
        return ":".join(parts if parts[2] else parts[:2])
    if isinstance(data, (bool, int, float, np.generic)) or getattr(data, "ndim", 1) == 0:
        return number(data)
    if isinstance(data, np.ndarray):
        if data.size and data.size > 1 and np.all(data == data.flat[0]):
            return f"all {number(data.flat[0])}"
        if data.ndim == 1 and data.size <= 6:
            return f"[{', '.join(number(entry) for entry in data)}]"
        if data.size == 1:
            return "[" * data.ndim + number(data.flat[0]) + "]" * data.ndim
        return None
    text = str(data)
    return text if len(text) <= 20 and "0x" not in text and "\n" not in text else None


def number(value: Any) -> str:
    """Write a number as short as it can be read back."""
    kind = np.asarray(value).dtype
    if kind.kind == "f":
        text = f"{float(value):.6g}"
        return text if any(c in text for c in ".en") else f"{text}.0"
    return str(value.item() if hasattr(value, "item") else value)
