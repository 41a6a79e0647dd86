"""Finds the code that runs a node: its generated C, or the Python that computes it."""

import inspect
import re
from types import SimpleNamespace
from typing import Any, cast

from graphrnn.inspection.record.graph import Node, is_loop
from graphrnn.inspection.record.shapes import Lengths
from graphrnn.native.codegen.function import BEGINNING
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.ir.wording import describe
from graphrnn.native.lowering.lowering import LoweringError
from graphrnn.native.pipeline import generate

import aesara
from aesara.graph.fg import FunctionGraph
from aesara.link.c.basic import CLinker
from aesara.link.c.op import COp

LONGEST = 20_000


def code_of(node: Node) -> tuple[str, str]:
    """Return the language and the code of a node, as stock Aesara would run it."""
    if isinstance(node.op, COp) and not is_loop(node.op):
        try:
            return "C", _c_code(node.apply)
        except Exception:  # some ops raise where they have no C for a type
            pass
    return "Python", _python(node.op)


def _c_code(apply: Any) -> str:
    """Return the part of Aesara's C for a node that computes."""
    fgraph = FunctionGraph(apply.inputs, apply.outputs, clone=True)
    linker = CLinker()
    linker.accept(fgraph)
    with aesara.config.change_flags(cxx=""):
        linker.code_gen()
    text = "\n".join(str(block) for block in linker.c_support_code_apply if block)
    body = str(linker.blocks[-1].behavior)
    code = re.sub(r"\n\s*\n+", "\n", f"{text}\n{body}").strip()
    if not code:
        raise NotImplementedError
    return code[:LONGEST]


def _python(op: Any) -> str:
    """Return the source of the method that computes an op."""
    for name in ("perform", "make_thunk"):
        method = getattr(type(op), name, None)
        if method is None:
            continue
        try:
            return inspect.cleandoc(inspect.getsource(method))[:LONGEST]
        except (OSError, TypeError):
            continue
    return "(no source is to be had)"


class NativeSource:
    """The C file of the native backend, and the parts of it that belong to each node."""

    def __init__(self, fgraph: FunctionGraph, values: Any = ()) -> None:
        self.text, self.problem = "", ""
        try:
            _, source = generate(fgraph, values)
        except (Unsupported, LoweringError) as error:
            self.problem = str(error)
            return
        self.text = source.text
        body = self.text.partition(BEGINNING)[2].partition("void graph_constants")[0]
        # A comment alone on its line describes the operation below it.
        parts = re.split(r"^\s*/\* (.*) \*/$", body, flags=re.MULTILINE)
        self._parts = list(zip(parts[1::2], parts[2::2], strict=True))

    def of(self, apply: Any, lengths: Lengths) -> str:
        """Return the C of a node; an empty text if it needs none, as a view does."""
        if self.problem:
            return ""
        # When the note was written, only the operands' shapes were known, not the results'.
        shapes = {v: lengths.of(v) for v in apply.inputs}
        views = {v: SimpleNamespace(shape=s) for v, s in shapes.items() if s and None not in s}
        note = describe(apply, cast(Any, views))
        blocks = [f"/* {n} */{code}" for n, code in self._parts if note in n.split(" | ")]
        return "".join(blocks)[:LONGEST].rstrip()
