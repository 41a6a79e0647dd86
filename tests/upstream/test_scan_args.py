"""A loop is taken apart by name and put together again; nodes are asked what they are."""

from graphrnn.upstream import scan_args
from tests.upstream.scan_ways import ZERO, X, as_written, close

import aesara
import aesara.scalar as aes
import aesara.tensor as at
import numpy as np
from aesara.graph.rewriting.basic import node_rewriter
from aesara.graph.rewriting.db import EquilibriumDB
from aesara.scan.op import Scan


def decaying(n_steps=4):
    """Build a loop of h_t = w h_{t-1} + x_t, and give its node and its inputs."""
    x, w = at.TensorType("float64", (4,))("x"), at.dscalar("w")
    h, _ = aesara.scan(
        lambda x_t, h_tm1, w: w * h_tm1 + x_t, [x], [ZERO], [w], n_steps=n_steps, name="decaying"
    )
    return h.owner.inputs[0].owner, [x, w]


def test_a_loop_put_together_again_is_the_loop():
    node, inputs = decaying()
    (again,) = scan_args.rebuilt(node, scan_args.parsed(node))
    assert again.owner.op.name == "decaying"
    assert again.type == node.outputs[0].type
    got, wanted = as_written(lambda: (inputs, [again, node.outputs[0]], []))(X, 0.5)
    close(got, wanted)


def test_options_of_a_loop_can_change():
    node, _ = decaying()
    (again,) = scan_args.rebuilt(node, scan_args.parsed(node), truncate_gradient=2, name="cut")
    assert (again.owner.op.truncate_gradient, again.owner.op.name) == (2, "cut")
    assert (node.op.truncate_gradient, node.op.name) == (-1, "decaying")


def test_what_a_step_computes_can_be_collected_and_exchanged():
    node, inputs = decaying()
    args = scan_args.parsed(node)
    (h_tm1,) = args.inner_in_sit_sot
    outputs, (before,) = scan_args.with_collected(node, args, [h_tm1 * 1.0])
    changed = scan_args.parsed(node)
    scan_args.substitute(changed, {changed.inner_in_seqs[0]: 2 * changed.inner_in_seqs[0]})
    (doubled,) = scan_args.rebuilt(node, changed)
    h, h_before, twice = as_written(lambda: (inputs, [*outputs, before, doubled], []))(X, 0.5)
    close(h_before, h[:-1])
    close(twice, 2 * h)


def test_a_loop_is_plain_where_its_steps_are_known_and_all_is_tensors():
    assert scan_args.plain(decaying()[0])
    assert not scan_args.plain(decaying(at.lscalar("n"))[0])
    assert not scan_args.plain((at.dscalar() + 1).owner)


def test_a_value_gets_the_type_of_what_it_replaces():
    known, unknown = at.TensorType("float64", (3,)), at.TensorType("float64", (None,))
    assert scan_args.typed(known("x"), unknown).type == known
    assert scan_args.typed(unknown("x"), known).type == known


def test_what_only_states_a_shape_is_looked_through():
    x = at.dvector("x")
    assert scan_args.strip_specify_shape(at.specify_shape(at.specify_shape(x, (3,)), (3,))) is x
    assert scan_args.strip_specify_shape(x) is x


def test_a_node_is_asked_for_its_scalar_op():
    x = at.dvector("x")
    assert scan_args.applies(at.exp(x).owner, aes.Exp)
    assert not scan_args.applies(at.exp(x).owner, aes.Log)
    assert not scan_args.applies(x.owner, aes.Exp)
    assert not scan_args.applies(x.sum().owner, aes.Add)


def test_a_shared_variable_has_the_lengths_of_its_value():
    assert scan_args.lengths_of(aesara.shared(np.ones((2, 3)))) == (2, 3)
    assert scan_args.lengths_of(at.TensorType("float64", (None, 3))()) == (None, 3)


def test_a_right_rewrite_stands_for_the_wrong_one():
    @node_rewriter(None)
    def stock(fgraph, node):
        return None

    @node_rewriter(None)
    def right(fgraph, node):
        return None

    database = EquilibriumDB()
    database.register("thing", stock, "fast_run", "scan")
    for _ in range(2):  # a second time changes nothing
        scan_args.in_place_of(database, "thing", right, "fast_run", "scan")
    for tag in ("fast_run", "scan"):
        assert list(database.query(f"+{tag}").node_tracker.get_rewriters()) == [right]
    assert database["sound_thing"] is right


def test_no_body_holds_a_loop_of_another_type():
    """What is rebuilt has as many outputs as before, of the kinds that it had."""
    node, _ = decaying()
    again = scan_args.rebuilt(node, scan_args.parsed(node))[0].owner
    assert isinstance(again.op, Scan)
    assert [v.type for v in again.outputs] == [v.type for v in node.outputs]
