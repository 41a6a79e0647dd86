"""Random graphs against Aesara's Python mode: the same numbers, call after call."""

from graphrnn.native.linker import native_mode
from tests.graphs import Maker
from tests.native_helpers import CLOSE, PYTHON, build

import aesara
import numpy as np
import pytest

GRAPHS, CHUNK = 300, 20


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("first", range(0, GRAPHS, CHUNK))
def test_random_graphs(threads, first):
    for seed in range(first, first + CHUNK):
        with aesara.config.change_flags(cxx="", mode=PYTHON):
            graph, outputs = Maker(seed).make()
        wanted = build(graph.inputs, outputs, PYTHON)(*graph.values)
        kept = [value.copy() for value in graph.values]
        function = build(graph.inputs, outputs, native_mode(strict=True, threads=1 + seed % 2))
        for _ in range(2):  # a second call must not see what the first left behind
            for got, value in zip(function(*graph.values), wanted, strict=True):
                dtype = "float64" if value.dtype == "float64" else "float32"
                assert (got.dtype, got.shape) == (value.dtype, value.shape), (seed, graph.story)
                np.testing.assert_allclose(
                    got, value, **CLOSE[dtype], err_msg=f"seed {seed}: {graph.story}"
                )
        for value, before in zip(graph.values, kept, strict=True):
            np.testing.assert_array_equal(value, before)
