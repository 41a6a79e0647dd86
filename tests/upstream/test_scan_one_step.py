"""One step of a loop that goes backwards reads the last moment."""

from graphrnn.graph.shapes import tensor
from tests.upstream.scan_ways import as_written, close, natively

import aesara
import numpy as np
import pytest


@pytest.mark.parametrize("taps", [None, [0], [-2], [1], [-1, 0], [0, 1]])
@pytest.mark.parametrize("steps", [1, 2])
def test_one_step_backwards_reads_the_last_moment(steps, taps):
    def graph():
        x = tensor("x", "float64", (6,))
        sequence = x if taps is None else {"input": x, "taps": taps}
        y, _ = aesara.scan(lambda *v: sum(v) + 2 * v[0], sequence, n_steps=steps, go_backwards=True)
        return [x], [y], []

    x = np.arange(6.0) ** 2
    read = [0] if taps is None else taps
    before, behind = -min(0, *read), max(0, *read)
    wanted = [
        sum(x[t + k] for k in read) + 2 * x[t + read[0]] for t in range(5 - behind, before - 1, -1)
    ][:steps]
    close(as_written(graph)(x)[0], wanted)
    close(natively(graph)(x)[0], wanted)
