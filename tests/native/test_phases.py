"""The phases of a build."""

from graphrnn.native.linker import native_mode
from graphrnn.native.phases import Phase

import aesara
import aesara.tensor as at


def test_a_linker_tells_its_phases_and_their_texts_are_shown():
    messages = []
    mode = native_mode(strict=True, threads=1)
    mode.linker.listener = type(mode.linker.listener)(on_phase=messages.append)
    x = at.TensorType("float64", (3,))("x")
    aesara.function([x], x + 1, mode=mode)
    assert messages == [Phase.LOWERING, Phase.COMPILING]
    assert f"train: {Phase.COMPILING}" == "train: compiling C"
