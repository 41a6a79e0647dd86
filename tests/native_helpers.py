"""What the native backend's tests share: the same graph in Aesara's Python mode and compiled."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.linker import native_mode

import aesara
import aesara.tensor as at
import numpy as np
from aesara.compile.mode import Mode
from aesara.link.vm import VMLinker

PYTHON = Mode(VMLinker(use_cloop=False, c_thunks=False), optimizer=None)
CLOSE = {"float32": {"rtol": 2e-4, "atol": 2e-5}, "float64": {"rtol": 1e-9, "atol": 1e-10}}


def build(inputs, outputs, mode, **options):
    with aesara.config.change_flags(cxx=""):
        return aesara.function(inputs, outputs, mode=mode, on_unused_input="ignore", **options)


def native(inputs, outputs, **options):
    return build(inputs, outputs, native_mode(strict=True), **options)


def same(got, wanted, dtype):
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, **CLOSE[dtype])


def recurrence(batch=4, H=3):
    x, W = tensor("x", "float32", (6, batch, H)), tensor("W", "float32", (H, H))
    h, _ = aesara.scan(
        lambda x_t, h, W: at.tanh(x_t + at.dot(h, W)),
        sequences=[x],
        outputs_info=[at.zeros((batch, H), dtype="float32")],
        non_sequences=[W],
    )
    return x, W, h


def the_program(inputs, outputs):
    """Lower a graph as the mode would."""
    function = native(inputs, outputs)
    return function.vm.jit_fn.program, function
