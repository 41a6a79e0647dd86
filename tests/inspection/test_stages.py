from graphrnn.backends.compile import compile_graph
from graphrnn.errors import UserError
from graphrnn.graph.loops import LOOPS
from graphrnn.graph.shapes import tensor
from graphrnn.inspection.record.sources import find_source
from graphrnn.inspection.stages import Stages
from tests.inspected import every_node, four_lines

import aesara.tensor as at
import pytest


def test_variables_have_no_gradient_stage():
    variables = Stages(find_source(four_lines(), title="four lines"))
    assert variables.stages == ("written", "rewritten")
    assert variables.first == "written"
    with pytest.raises(UserError, match="it has no updates, so nothing was differentiated"):
        variables.known("gradient")
    with pytest.raises(UserError, match="unknown stage 'writen'; did you mean 'written'"):
        variables.known("writen")


def test_nothing_is_computed_twice():
    stages = Stages(find_source(four_lines(), title="four lines"))
    assert stages.graph("written") is stages.graph("written")
    assert stages.lengths("written") is stages.lengths("written")


@pytest.mark.parametrize("backend", ["native", "python"])
def test_a_compiled_loop_is_shown_with_its_body(backend):
    def graph():
        x, h_0 = tensor("x", "float64", (4, 3)), tensor("h_0", "float64", (3,))
        [h] = LOOPS["scan"](lambda x_t, h_tm1: at.tanh(h_tm1 + x_t), [x], [h_0], [])
        return [x, h_0], [h], []

    stages = Stages(find_source(compile_graph(graph, name="loop", backend=backend), title="loop"))
    assert stages.stages == (("rewritten", "native") if backend == "native" else ("rewritten",))
    with pytest.raises(UserError, match="it was compiled before anybody looked"):
        stages.known("written")
    op_names = [node.op_name for node in every_node(stages.graph("rewritten"))]
    assert op_names.count("scan") == 1
    assert "tanh" in op_names
    assert stages.histories == []
