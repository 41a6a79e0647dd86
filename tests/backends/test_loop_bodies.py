from graphrnn.backends.compile import compile_graph
from graphrnn.backends.loop_bodies import body_in
from graphrnn.graph.loops import LOOPS
from graphrnn.graph.shapes import tensor

import aesara.tensor as at
import pytest
from aesara.graph.basic import io_toposort
from aesara.scan.op import Scan


def loop():
    """Build a loop whose step says twice what needs to be said once."""
    x, h_0 = tensor("x", "float64", (4, 3)), tensor("h_0", "float64", (3,))
    [h] = LOOPS["scan"](lambda x_t, h_tm1: at.neg(at.neg(at.tanh(h_tm1 + x_t))), [x], [h_0], [])
    return [x, h_0], [h], []


def scan_of(nodes):
    (op,) = {node.op for node in nodes if isinstance(node.op, Scan)}
    return op


@pytest.mark.parametrize("backend", ["native", "python"])
def test_it_is_the_one_that_runs(backend):
    function = compile_graph(loop, name="loop", backend=backend)
    op = scan_of(function.maker.fgraph.apply_nodes)
    body = body_in(function, op)
    assert (len(body.inputs), len(body.outputs)) == (2, 1)
    assert not any("neg" in str(node.op) for node in body.apply_nodes)
    if backend == "native":
        assert body is function.vm.jit_fn.program.bodies[op]
    else:
        assert body is op.fn.maker.fgraph


def test_of_a_loop_that_nobody_compiled_it_is_the_written_one():
    function = compile_graph(loop, name="loop", backend="python")
    inputs, outputs, _ = loop()
    body = body_in(function, scan_of(io_toposort(inputs, outputs)))
    assert any("neg" in str(node.op) for node in body.apply_nodes)
