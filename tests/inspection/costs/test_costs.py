"""Costs against formulas, memory against hand-computed sums, measured times, generated code."""

from graphrnn.inspection.costs.costs import Machine, count_costs, memory
from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.record.graph import snapshot
from tests.inspected import cell_inspection, lesson

import aesara
import aesara.tensor as at
import pytest
from aesara.graph.fg import FunctionGraph

pytestmark = pytest.mark.stock_c


def costs_of(inputs, outputs):
    return count_costs(snapshot(FunctionGraph(inputs, outputs, clone=False)))


@pytest.mark.parametrize(
    ("left", "right", "flops"),
    [((2, 3), (3, 4), 48), ((3,), (3, 4), 24), ((2, 3), (3,), 12), ((3,), (3,), 6)],
)
def test_a_product_takes_2mnk(left, right, flops):
    a, b = at.TensorType("float32", left)("a"), at.TensorType("float32", right)("b")
    assert costs_of([a, b], [at.dot(a, b)]).flops == flops


def test_blas_products_take_2mnk():
    x, W = at.TensorType("float64", (2, 3))("x"), at.TensorType("float64", (3, 4))("W")
    z = at.TensorType("float64", (2, 4))("z")
    v = at.TensorType("float64", (3,))("v")
    function = aesara.function(
        [x, W, z, v],
        [z + 0.5 * at.dot(x, W), at.dot(x, v)],
        mode=aesara.compile.mode.Mode("py", "fast_run"),
    )
    costs = inspect(function).costs()
    flops = {node.op_name: cost.flops for node, cost in costs.rows.items()}
    assert flops["gemm"] == 2 * 2 * 3 * 4
    assert flops["gemv"] == 2 * 2 * 3


def test_elementwise_and_reductions_are_counted():
    x = at.TensorType("float32", (4, 5))("x")
    assert costs_of([x], [at.tanh(x * x + x)]).flops == 3 * 20
    assert costs_of([x], [x.sum()]).flops == 20
    assert costs_of([x], [x.T.reshape((20,))]).flops == 0
    assert costs_of([x], [x.T[1:]]).bytes == 0
    assert costs_of([x], [at.exp(x)]).bytes == 2 * 4 * 20


# The elementwise steps of one unit in one step of each cell, from the equations in cells.py.
STEPS = {"rnn": 2 + 1, "gru": 2 + 2 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1, "lstm": 4 + 3 + 1 + 3 + 2}

# The same for the gradient of a step, equation by equation, from dh. A gate's gradient is added
# into its slice of dz; a carried gradient takes an addition too.
STEPS_BACK = {
    # dz = [z > 0] dh: 2, dh_tm1 = dz W_h^T + carried: 1
    "rnn": 2 + 1,
    # n = tanh(z_n + r m): 3, 1 - u, 1 - r, 1 - n^2: 4, du = (dh h_tm1 - dh n) u (1 - u): 6,
    # dn = dh (1 - u) (1 - n^2): 2, dm = dn r: 3, dr = dn r m (1 - r): 5 (both multiplied out),
    # placed: du, and for each of z and zh n and r: 5, dh_tm1 = dzh W_h^T + dh u + carried: 3
    "gru": 3 + 4 + 6 + 2 + 3 + 5 + 5 + 3,
    # tanh(c): 1, 1 - o, 1 - tanh(c)^2, 1 - f, 1 - i, 1 - g^2: 7, do = dh tanh(c) o (1 - o): 3,
    # dc = dh o (1 - tanh(c)^2) + carried: 3, df = dc c_tm1 f (1 - f): 3, di = dc g i (1 - i): 3,
    # dg = dc i (1 - g^2): 2, placed: 4, dh_tm1 = dz W_h^T + carried: 1, dc_tm1 = dc f + carried: 2
    "lstm": 1 + 7 + 3 + 3 + 3 + 3 + 2 + 4 + 1 + 2,
}


@pytest.mark.parametrize("size", [(5, 3, 4, 6), (4, 2, 3, 7)])
@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_the_cost_of_a_cell_follows_from_its_equations(cell, gates, size):
    time, batch, n_in, hidden = size
    named = {"time": time, "batch": batch, "n_in": n_in, "hidden": hidden}
    units = time * batch * hidden
    inputs, states = 2 * gates * units * n_in, 2 * gates * units * hidden
    forward = cell_inspection(cell, backward=False, **named).costs()
    assert forward.products == inputs + states
    # One layer's steps, then the squares and their sum.
    assert forward.flops == forward.products + units * STEPS[cell] + 2 * units
    assert forward.unknown == 0
    both = cell_inspection(cell, backward=True, **named).costs()
    # No forward product is computed twice: inputs take one more for their weights' gradient,
    # states one for their own gradient and one for their weights'.
    assert both.products == 2 * inputs + 3 * states
    # 2h is added to the gradient of the states; a bias is summed over times and rows; the gradient
    # of a z computed before the loop is added to zeros twice.
    bias = cell != "lstm"
    around = 2 + bias + (0 if cell == "rnn" else 2 * gates)
    weights = gates * hidden * (n_in + hidden) + bias * hidden
    elementwise = STEPS[cell] + 2 + STEPS_BACK[cell] + around
    assert both.flops == both.products + units * elementwise + weights
    assert both.unknown == 0


def test_costs_of_the_lesson_are_all_known():
    costs = lesson().costs()
    assert costs.unknown == 0
    assert costs.flops > costs.products > 0


def test_the_machine_bounds_each_node():
    x, W = at.TensorType("float32", (64, 64))("x"), at.TensorType("float32", (64, 64))("W")
    graph = snapshot(FunctionGraph([x, W], [at.dot(x, W) + x], clone=False))
    costs = count_costs(graph, machine=Machine(flops=1e9, bytes=1e9))
    cost_of = {node.op_name: cost for node, cost in costs.rows.items()}
    assert cost_of["dot"].bound == "arithmetic"
    assert cost_of["dot"].seconds == pytest.approx(2 * 64**3 / 1e9)
    assert cost_of["add"].bound == "memory"
    assert cost_of["add"].seconds == pytest.approx(3 * 4 * 64**2 / 1e9)
    assert costs.seconds == pytest.approx(cost_of["dot"].seconds + cost_of["add"].seconds)


def test_a_cost_that_depends_on_the_data_is_unknown():
    x = at.dmatrix("x")
    costs = costs_of([x], [at.exp(x)])
    assert costs.unknown == 1
    assert costs.flops == 0


def test_memory_is_the_sum_of_live_results():
    x = at.TensorType("float64", (100,))("x")
    y = at.exp(x)
    moments = memory(snapshot(FunctionGraph([x], [at.sin(y)[5:], y.sum()], clone=False)))
    assert [(m.node.op_name, m.live, m.how) for m in moments] == [
        ("exp", 800, "new"),
        ("sin", 1600, "new"),
        ("slice", 1600, "view"),
        ("sum", 1608, "new"),
    ]


def test_a_node_that_works_in_place_allocates_nothing():
    x = at.TensorType("float64", (100,))("x")
    mode = aesara.compile.mode.Mode("py", "fast_run").excluding("fusion")
    inspection = inspect(aesara.function([x], at.sin(at.exp(x)), mode=mode))
    assert [(m.how, m.live) for m in inspection.memory()] == [("new", 800), ("in place", 800)]
