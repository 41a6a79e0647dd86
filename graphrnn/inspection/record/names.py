"""Names every variable of a graph: by the user's name if it has one, else by a readable one."""

import re
from typing import Any

from graphrnn.inspection.record.graph import Graph, Node, Role, dtype_of, is_constant, is_scan
from graphrnn.inspection.record.op_table import name_and_kind

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
                self._assign(variable, clean(variable.name) or _unnamed_input(variable))
        self._assign_users_names(graph)
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
                self._assign(variable, clean(variable.name) or "input")

    def of(self, variable: Any) -> str:
        """Return a variable's name; a small constant is written out."""
        if variable in self._names:
            return self._names[variable]
        return self._constant(variable) if is_constant(variable) else "?"

    def written(self, variable: Any) -> str | None:
        """Return a variable's name; None for a constant that is written out."""
        return self._names.get(variable)

    def _assign_users_names(self, graph: Graph) -> None:
        """Assign the user's names first, so that they take precedence over generated ones."""
        for node in graph.nodes:
            for result in node.outputs:
                name = clean(_TAP.sub("", result.name) if result.name else None)
                if name and result not in self._names:
                    self._assign(result, name)

    def _assign(self, variable: Any, base: str) -> None:
        """Assign a variable a name that is unique in this scope."""
        count = self._counts.get(base, 0) + 1
        name = base if count == 1 else f"{base}_{count}"
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._counts[base] = count
        self._taken.add(name)
        self._names[variable] = name

    def _name_results(self, node: Node) -> None:
        """Name the results of a node after its op, and those of a loop after its states."""
        results = list(node.outputs)
        states = loop_names(node) if node.body is not None else {}
        for result in results:
            if result not in self._names:
                self._assign(result, states.get(result) or node.op_name)

    def _name_ends(self, graph: Graph, outer: "Names") -> None:
        """Name the inputs of a body after their roles."""
        for variable, role in zip(graph.inputs, graph.input_roles, strict=True):
            self._assign(variable, end_name(variable, role, outer))

    def _constant(self, variable: Any) -> str:
        """Write a constant out if it is small, else name it."""
        if variable in self.constants:
            return self.constants[variable]
        text = literal(variable)
        if text is None:
            self._assign(variable, "const")
            text = self._names[variable]
        self.constants[variable] = text
        return text


def _unnamed_input(variable: Any) -> str:
    """Return a name for an input that has none, after its type."""
    return "input" if hasattr(variable.type, "ndim") else dtype_of(variable)


def clean(name: str | None) -> str:
    """Return a name shortened to fit a line, without blanks and unprintable characters.

    Example:
        >>> clean("two words"), clean("x" * 40)
        ('two_words', 'xxxxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    short = re.sub(r"^\((d.*/d.*)\)$", r"\1", str(name or ""))
    short = re.sub(r"\s", "_", "".join(c for c in short if c.isprintable() or c.isspace()))
    return short if len(short) <= LONGEST else short[: LONGEST - 1] + "…"


def tap(base: str, offset: int) -> str:
    """Return a name with the time step at which the variable is read.

    Example:
        >>> tap("h", -1), tap("x", 0), tap("dh", 1)
        ('h_tm1', 'x_t', 'dh_tp1')
    """
    if offset == 0:
        return f"{base}_t"
    return f"{base}_t{'m' if offset < 0 else 'p'}{abs(offset)}"


# Ops that only move a value to where a loop needs it, and the operand whose name it keeps.
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
    """Return the named variable behind a loop's operand, or else the first that is computed.

    Example:
        >>> import aesara.tensor as at
        >>> behind(at.matrix("h_0")[None, :2]).name
        'h_0'
    """
    while variable.owner is not None and not variable.name:
        op_name, _ = name_and_kind(variable.owner.op)
        if op_name not in _PLUMBING:
            break
        variable = variable.owner.inputs[_PLUMBING[op_name]]
    return variable


def end_name(variable: Any, role: Role, outer: Names) -> str:
    """Return the name of a body's input: `x_t`, `h_tm1`, `W_hh`."""
    base = clean(base_name(variable.name))
    if role.kind in ("constant", "argument"):
        outside = outer.of(role.outer) if role.outer is not None else ""
        return outside if outside and _is_name(outside) else base or "const"
    if not base and role.outer is not None:
        source = behind(role.outer)
        base = clean(source.name)
        if not base and source.owner is not None:
            base = name_and_kind(source.owner.op)[0]
        elif not base and not is_constant(source):
            base = outer.of(source) if _is_name(outer.of(source)) else ""
    base = base or role.kind
    base = re.sub(r"_0$", "", base) if role.kind == "state" else base
    return tap(base, role.taps[0] if role.taps else 0)


def base_name(name: str | None) -> str:
    """Return a name without its time step and the suffix that Aesara adds.

    Example:
        >>> base_name("h_0[t-1]"), base_name("W_hh_copy"), base_name("x_t")
        ('h_0', 'W_hh', 'x')
    """
    base = _TAP.sub("", name or "").removesuffix("_copy")
    base = re.sub(r"(\[[-:\d]*\])+$", "", base)
    return re.sub(r"_t([mp]\d+)?$", "", base)


def loop_names(node: Node) -> dict[Any, str]:
    """Return names for a scan's results, after the states that they collect."""
    names: dict[Any, str] = {}
    if node.body is None or not is_scan(node.op):
        return names
    outer_outputs = list(node.outputs)
    sit = list(node.op.outer_sitsot_outs(outer_outputs))
    inner = list(node.op.inner_sitsot(list(node.body.inputs)))
    for result, variable in zip(sit, inner, strict=False):
        base = re.sub(r"_0$", "", clean(base_name(variable.name)))
        if base:
            names[result] = base
    return names


def _is_name(text: str) -> bool:
    """Return whether a text is a name, not a written-out constant."""
    return bool(re.match(r"[^\W\d]", text)) and not text.startswith(("True", "False", "None"))


def literal(variable: Any) -> str | None:
    """Format a small constant as a number or a short list; return None if it is too large.

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
    """Format a number, floats to six significant digits."""
    kind = np.asarray(value).dtype
    if kind.kind == "f":
        text = f"{float(value):.6g}"
        return text if any(c in text for c in ".en") else f"{text}.0"
    return str(value.item() if hasattr(value, "item") else value)
