"""Ways to compile a graph with a loop, and gradients by differences."""

from graphrnn.backends.compile import compile_graph

import aesara
import aesara.tensor as at
import numpy as np
from aesara.compile.mode import Mode, get_mode
from aesara.link.vm import VMLinker

X = np.array([0.3, -0.2, 0.5, 0.1])


ZERO = at.zeros((), dtype="float64")


def as_written(graph):
    return compile_graph(graph, name="f", backend="python", rewrites=False)


def in_python(graph):
    return compile_graph(graph, name="f", backend="python")


def natively(graph):
    return compile_graph(graph, name="f", backend="native")


def in_stock(graph):
    """Compile as Aesara itself does by default, but step in Python."""
    mode = Mode(VMLinker(use_cloop=False, c_thunks=False), get_mode("FAST_RUN").optimizer)
    with aesara.config.change_flags(cxx=""):
        inputs, outputs, updates = graph()
        return aesara.function(inputs, outputs, updates=updates, mode=mode)


def in_stocks_c(graph):
    """Compile as Aesara itself does by default, stepped by its own C."""
    inputs, outputs, updates = graph()
    return aesara.function(inputs, outputs, updates=updates, mode="FAST_RUN")


WAYS = [as_written, in_python, natively, in_stock]


STEPPED = [as_written, in_python, in_stock]


def differences(f, x, step=1e-6):
    """Compute the gradient of a function of an array by central differences."""
    x = np.asarray(x, dtype="float64")
    results = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        apart = np.zeros_like(x)
        apart[place] = step
        results[place] = (f(x + apart) - f(x - apart)) / (2 * step)
    return results


def close(got, wanted, tolerance=1e-7):
    assert np.shape(got) == np.shape(wanted)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
