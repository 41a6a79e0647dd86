"""The program's own rules."""

from graphrnn.native.ir.program import Kernel, Program, Ref
from graphrnn.native.ir.verifier import ProgramError, verify
from graphrnn.native.ir.views import Buffer, Offset

import pytest


def test_the_verifier_names_the_operation():
    small = Buffer("small", "float32", 4, "input")
    out = Buffer("out", "float32", 8, "output")
    copy = Kernel((8,), [Ref(small, Offset(), (1,))], [], [(Ref(out, Offset(), (1,)), 0)])
    copy.note = "the copy"
    program = Program([copy], [small], [out], [], [(4,)], [(8,)])
    with pytest.raises(
        ProgramError, match="the copy: reaches elements 0 to 7 of small, which has 4"
    ):
        verify(program)
    temp = Buffer("temp", "float32", 8, "temp")
    copy.loads = [Ref(temp, Offset(), (1,))]
    with pytest.raises(ProgramError, match="the copy: reads temp before it is written"):
        verify(program)
