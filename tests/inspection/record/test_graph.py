"""A record of a graph is a snapshot: it stays as the graph was."""

from graphrnn.inspection.record import graph as graphs
from tests.inspected import every_node, lesson

import aesara
import aesara.tensor as at
import pytest
from aesara.graph.fg import FunctionGraph
from aesara.tensor.random.utils import RandomStream

X, Y = at.dvector("x"), at.dvector("y")


def test_a_record_does_not_change_with_its_graph():
    fgraph = FunctionGraph([X, Y], [at.exp(X) + Y], clone=False)
    before = graphs.snapshot(fgraph)
    exp = fgraph.outputs[0].owner.inputs[0]
    fgraph.replace(exp, Y)
    assert [node.op_name for node in before.nodes] == ["exp", "add"]
    assert before.nodes[1].inputs == (exp, Y)
    assert [node.op_name for node in graphs.snapshot(fgraph).nodes] == ["add"]


def test_updates_are_apart_from_outputs():
    W = aesara.shared(1.0, name="W")
    with aesara.config.change_flags(cxx=""):
        f = aesara.function([X], X.sum(), updates=[(W, W + X.sum())], mode="FAST_COMPILE")
    record = graphs.snapshot(f.maker.fgraph)
    assert len(record.outputs) == len(record.updates) == 1
    ((old, new),) = record.updates
    assert old in record.inputs
    assert new.owner.op in {node.op for node in record.nodes}


def test_nodes_stand_before_those_that_overwrite_what_they_read():
    """In-place ops hang on no output of the readers of what they destroy."""
    overwrite = at.set_subtensor(X[0], 1.0)
    inplace = type(overwrite.owner.op)(
        overwrite.owner.op.idx_list, inplace=True, set_instead_of_inc=True
    )
    written = inplace(*overwrite.owner.inputs)
    order = graphs.evaluation_order([written, at.exp(X)], [X])
    assert [type(node.op).__name__ for node in order].index("Elemwise") < order.index(written.owner)


def test_a_loop_has_a_body_with_roles_and_a_count():
    record = lesson().graph("gradient")
    scans = [node for node in record.nodes if graphs.is_scan(node.op)]
    assert [node.steps for node in scans] == [8, None]  # rewriting finds the second
    for node in scans:
        assert len(node.body.input_roles) == len(node.body.inputs)
        assert len(node.body.output_roles) == len(node.body.outputs)
    kinds = {role.kind for role in scans[1].body.input_roles}
    assert kinds == {"sequence", "accumulator", "state", "constant"}
    assert record.count() == len(list(every_node(record)))


def test_steps_that_are_not_known():
    n = at.lscalar("n")
    h, _ = aesara.scan(lambda h: h * 2, outputs_info=[at.dscalar("h")], n_steps=n)
    scan = h.owner.inputs[0].owner
    assert graphs.steps_of(scan.op, scan.inputs) is None
    assert graphs.constant_of(at.constant(3)) == 3
    assert graphs.constant_of(n) is None


def test_the_parts_of_a_scan_are_all_named():
    x = at.dvector("x")
    (a, b), _ = aesara.scan(
        lambda x_t, a2, a1, c: [a1 + a2 + x_t * c, x_t],
        sequences=[x],
        outputs_info=[{"initial": at.zeros(2), "taps": [-2, -1]}, None],
        non_sequences=[at.dscalar("c")],
        strict=True,
    )
    node = graphs.snapshot(FunctionGraph(None, [a, b], clone=False))
    (scan,) = [n for n in node.nodes if graphs.is_scan(n.op)]
    assert [(r.kind, r.taps) for r in scan.body.input_roles] == [
        ("sequence", (0,)), ("state", (-2,)), ("state", (-1,)), ("constant", ())
    ]  # fmt: skip
    assert [r.kind for r in scan.body.output_roles] == ["state", "collected"]


@pytest.mark.parametrize(
    ("variable", "dtype", "shape"),
    [
        (X, "float64", (None,)),
        (at.constant([1, 2], dtype="int8"), "int8", (2,)),
        (RandomStream(1).normal().owner.inputs[0], "randomgenerator", None),
    ],
)
def test_dtypes_and_shapes(variable, dtype, shape):
    assert graphs.dtype_of(variable) == dtype
    assert graphs.shape_of(variable) == shape
