"""Gives the code that runs a node: its generated C, or the Python that computes it."""

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
    """Give the language and the code of one node, as stock Aesara would run it."""
    if isinstance(node.op, COp) and not is_loop(node.op):
        try:
            return "C", _c_code(node.apply)
        except Exception:  # many an operation has C for some types only, and says so by raising
            pass
    return "Python", _python(node.op)


def _c_code(apply: Any) -> str:
    """Let Aesara write its C for one node, and give the part that computes."""
    alone = FunctionGraph(apply.inputs, apply.outputs, clone=True)
    linker = CLinker()
    linker.accept(alone)
    with aesara.config.change_flags(cxx=""):
        linker.code_gen()
    text = "\n".join(str(block) for block in linker.c_support_code_apply if block)
    body = str(linker.blocks[-1].behavior)
    told = re.sub(r"\n\s*\n+", "\n", f"{text}\n{body}").strip()
    if not told:
        raise NotImplementedError
    return told[:LONGEST]


def _python(op: Any) -> str:
    """Give the source of the method that computes an operation."""
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
    """The one C file of the native backend, and the parts of it that belong to a node."""

    def __init__(self, fgraph: FunctionGraph, values: Any = ()) -> None:
        self.text, self.problem = "", ""
        try:
            _, source = generate(fgraph, values)
        except (Unsupported, LoweringError) as error:
            self.problem = str(error)
            return
        self.text = source.text
        body = self.text.partition(BEGINNING)[2].partition("void graph_constants")[0]
        # A comment alone on its line is the note of the operation below.
        parts = re.split(r"^\s*/\* (.*) \*/$", body, flags=re.MULTILINE)
        self._parts = list(zip(parts[1::2], parts[2::2], strict=True))

    def of(self, apply: Any, lengths: Lengths) -> str:
        """Give the C that a node became; nothing where it needed none, as views do."""
        if self.problem:
            return ""
        # The note was written when the operands' shapes were known, and the results' were not.
        shapes = {v: lengths.of(v) for v in apply.inputs}
        views = {v: SimpleNamespace(shape=s) for v, s in shapes.items() if s and None not in s}
        note = describe(apply, cast(Any, views))
        told = [f"/* {n} */{code}" for n, code in self._parts if note in n.split(" | ")]
        return "".join(told)[:LONGEST].rstrip()
