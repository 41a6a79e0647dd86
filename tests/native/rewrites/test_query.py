"""Our own rewrites: each leaves every number as it was, and does what its name says."""

from graphrnn.graph.layers import one_hot
from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import ArgMax, Gather, Gemm, Loop, Reduce, Scatter, Softmax, walk
from graphrnn.native.rewrites.query import query
from graphrnn.native.rewrites.static_shapes import StaticShapes, infer
from tests.native_helpers import PYTHON, build, native

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import optdb
from aesara.gradient import disconnected_grad
from aesara.graph.fg import FunctionGraph
from aesara.scan.rewriting import scan_seqopt1

pytestmark = pytest.mark.shipped_flags

T, B, H, V = 5, 8, 6, 7


def agree(inputs, outputs, values):
    """Hold the native function against Aesara's Python mode without any rewrite."""
    function = native(inputs, outputs)
    for got, wanted in zip(function(*values), build(inputs, outputs, PYTHON)(*values), strict=True):
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10)
    return function.vm.jit_fn.program


def relu_network(rng, sequence=None):
    """Make the lesson's step with its input inside the loop; gives inputs, h, weights, values."""
    x = tensor("x", "int64", (T, B))
    W_x, W_h, b = (
        tensor(n, "float64", s) for n, s in [("W_x", (V, H)), ("W_h", (H, H)), ("b", (H,))]
    )
    h, _ = aesara.scan(
        lambda x_t, h, W_x, W_h, b: at.maximum(at.dot(x_t, W_x) + at.dot(h, W_h) + b, 0),
        sequences=[one_hot(x, V, "float64")],
        outputs_info=[at.zeros((B, H))],
        non_sequences=[W_x, W_h, b],
        strict=True,
    )
    values = [rng.integers(0, V, (T, B))]
    values += [rng.standard_normal(v.type.shape) / 2 for v in (W_x, W_h, b)]
    return [x, W_x, W_h, b], h, values


def loops_of(program):
    return [op for op in program.ops if isinstance(op, Loop)]


def test_the_gradient_keeps_what_the_forward_loop_computed(rng):
    inputs, h, values = relu_network(rng)
    grads = at.grad(at.sum(at.tanh(h)), inputs[1:])
    program = agree(inputs, [h, *grads], values)
    forward, backward = loops_of(program)
    assert [type(op) for op in forward.body].count(Gemm) == 1
    assert [type(op) for op in backward.body].count(Gemm) == 1


def test_a_bias_does_not_tie_the_rows_of_a_batch_together(rng):
    from graphrnn.native.codegen.row_parallel import find_rows

    inputs, h, values = relu_network(rng)
    grads = at.grad(at.sum(at.tanh(h)), inputs[1:])
    program = agree(inputs, grads, values)
    assert all(find_rows(loop) is not None for loop in loops_of(program))


def test_an_index_outside_is_a_row_of_zeros_as_in_a_one_hot_vector(rng):
    inputs, h, values = relu_network(rng)
    values[0][0, 0], values[0][1, 2], values[0][2, 1] = -1, V, 10**9
    agree(inputs, [h, *at.grad(at.sum(h**2), inputs[1:])], values)


def test_a_product_with_one_hot_vectors_is_a_lookup(rng):
    x, W = tensor("x", "int64", (T, B)), tensor("W", "float64", (V, H))
    hot = one_hot(x, V, "float64").reshape((T * B, V))
    y = at.dot(hot, W)
    program = agree(
        [x, W],
        [y, at.grad(at.sum(at.sin(y)), W)],
        [rng.integers(0, V, (T, B)), rng.standard_normal((V, H))],
    )
    kinds = [type(op) for op in walk(program.ops)]
    assert Gemm not in kinds
    assert Scatter in kinds


@pytest.mark.parametrize(("time", "projected"), [(40, True), (3, False)])
def test_a_table_is_projected_first_where_it_is_shorter_than_the_text(rng, time, projected):
    x, E, W = (
        tensor("x", "int64", (time,)),
        tensor("E", "float64", (V, H)),
        tensor("W", "float64", (H, 9)),
    )
    y = at.dot(E[x], W)
    values = [rng.integers(0, V, time), rng.standard_normal((V, H)), rng.standard_normal((H, 9))]
    program = agree([x, E, W], [y, *at.grad(at.sum(at.sin(y)), [E, W])], values)
    rows = {op.m for op in walk(program.ops) if isinstance(op, Gemm)}
    assert (time not in rows) == projected


def test_products_of_one_state_are_joined(rng):
    """Three gates with weights of their own multiply once a step."""
    x = tensor("x", "float64", (T, B, H))
    W = [tensor(f"W_{k}", "float64", (H, H)) for k in range(3)]

    def gates(x_t, h, W_r, W_u, W_n):
        r, u = at.sigmoid(x_t + at.dot(h, W_r)), at.sigmoid(x_t - at.dot(h, W_u))
        return u * h + (1 - u) * at.tanh(x_t + r * at.dot(h, W_n))

    h, _ = aesara.scan(
        gates, sequences=[x], outputs_info=[at.zeros((B, H))], non_sequences=W, strict=True
    )
    values = [rng.standard_normal((T, B, H)), *(rng.standard_normal((H, H)) / 2 for _ in W)]
    program = agree([x, *W], [h, *at.grad(at.sum(h**2), W)], values)
    forward = loops_of(program)[0]
    assert [op.n for op in forward.body if isinstance(op, Gemm)] == [3 * H]


def test_states_of_several_steps_are_left_alone(rng):
    x = tensor("x", "float64", (T, B, H))
    W = tensor("W", "float64", (H, H))
    h, _ = aesara.scan(
        lambda x_t, a, b, W: at.tanh(x_t + at.dot(a, W) - b),
        sequences=[x],
        outputs_info=[{"initial": at.zeros((2, B, H)), "taps": [-2, -1]}],
        non_sequences=[W],
    )
    values = [rng.standard_normal((T, B, H)), rng.standard_normal((H, H)) / 2]
    agree([x, W], [h, *at.grad(at.sum(h**2), [x, W])], values)


@pytest.mark.parametrize("truncate", [-1, 2])
@pytest.mark.parametrize("backwards", [False, True])
def test_truncated_and_reversed_loops_keep_the_right_steps(rng, truncate, backwards):
    x, W = tensor("x", "float64", (T, B, H)), tensor("W", "float64", (H, H))
    h, _ = aesara.scan(
        lambda x_t, h, W: at.maximum(at.dot(x_t, W) + at.dot(h, W), 0),
        sequences=[x],
        outputs_info=[at.zeros((B, H))],
        non_sequences=[W],
        truncate_gradient=truncate,
        go_backwards=backwards,
    )
    values = [rng.standard_normal((T, B, H)), rng.standard_normal((H, H)) / 2]
    agree([x, W], [h, at.grad(at.sum(h**2), W)], values)


@pytest.mark.parametrize("truncate", [-1, 1, 2])
def test_a_gradient_that_stops_early_reads_no_further(rng, truncate):
    x = tensor("x", "float64", (T, B, V))
    W_x, W_h = tensor("W_x", "float64", (V, H)), tensor("W_h", "float64", (H, H))
    h, _ = aesara.scan(
        lambda x_t, h_tm1, W_x, W_h: at.tanh(at.dot(x_t, W_x) + at.dot(h_tm1, W_h)),
        sequences=[x],
        outputs_info=[at.zeros((B, H))],
        non_sequences=[W_x, W_h],
        truncate_gradient=truncate,
    )
    grads = at.grad(at.sum(h[-1] ** 2), [W_x, W_h])
    values = [rng.standard_normal(v.type.shape) for v in (x, W_x, W_h)]
    agree([x, W_x, W_h], grads, values)


def test_a_gathered_row_is_read_in_its_table(rng):
    """A loop reads rows of the table itself: no gathered copy of all steps."""
    x, E = tensor("x", "int64", (T, B)), tensor("E", "float64", (V, 32))
    h, _ = aesara.scan(
        lambda e_t, h: at.tanh(e_t + h),
        sequences=[E[x.flatten()].reshape((T, B, 32))],
        outputs_info=[at.zeros((B, 32))],
    )
    values = [rng.integers(-V, V, (T, B)), rng.standard_normal((V, 32))]
    program = agree([x, E], [h, at.grad(at.sum(h), E)], values)
    assert not [op for op in walk(program.ops) if isinstance(op, Gather)]
    with pytest.raises(IndexError, match="is outside of axis"):
        native([x, E], [h])(np.full((T, B), V), values[1])


def kinds(program):
    return [type(op) for op in walk(program.ops)]


@pytest.mark.parametrize("axis", [-1, 0, None])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_largest_is_taken_off_once(rng, axis, offset):
    """A cross-entropy looks for the largest once, and its gradient has the forward's powers."""
    z = tensor("z", "float64", (T, B, V))
    shifted = z - disconnected_grad(at.max(z, axis=axis, keepdims=True))
    loss = at.sum(at.log(at.sum(at.exp(shifted), axis=axis)) - at.sum(shifted, axis=axis))
    values = [rng.standard_normal((T, B, V)) + offset]
    program = agree([z], [loss, at.grad(loss, z)], values)
    largest = [op for op in walk(program.ops) if isinstance(op, Reduce) and op.kind == "max"]
    assert len(largest) == 1
    assert Softmax not in kinds(program)


@pytest.mark.parametrize("other", [0, None])
def test_the_largest_of_another_axis_is_not_the_row_s(rng, other):
    """What is small along one axis may overflow along another, so it is made safe as ever."""
    z = tensor("z", "float64", (T, V))
    x = z - at.max(z, axis=1, keepdims=True) if other is None else z - at.max(z, axis=other)
    outputs = [at.log(at.sum(at.exp(x), axis=0)), at.special.softmax(x, axis=0)]
    program = agree([z], outputs, [rng.standard_normal((T, V))])
    largest = [op for op in walk(program.ops) if isinstance(op, Reduce) and op.kind == "max"]
    assert len(largest) == (2 if other is None else 1)
    far = native([z], [at.log(at.sum(at.exp(z)))])(np.full((T, V), 1e4))[0]
    np.testing.assert_allclose(far, 1e4 + np.log(T * V))


@pytest.mark.parametrize("length", [2, 7, 31, 32, 33, 86])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_the_largest_and_its_place_are_found_together(rng, length, dtype):
    x = tensor("x", dtype, (T, length))
    function = native([x], at.max_and_argmax(x, axis=1))
    assert kinds(function.vm.jit_fn.program).count(ArgMax) == 1
    assert Reduce not in kinds(function.vm.jit_fn.program)
    value = rng.integers(-3, 4, (T, length)).astype(dtype)
    for row in range(2 if dtype == "int32" else 3):
        if row == 2:
            value[1, length - 1] = value[2, length // 2 :] = np.nan
        kept = value.copy()
        largest, place = function(value)
        np.testing.assert_array_equal(value, kept)
        np.testing.assert_array_equal(largest, value.max(axis=1))
        np.testing.assert_array_equal(place, value.argmax(axis=1))
        assert (largest.dtype, place.dtype) == (dtype, "int64")
        value = -value


@pytest.mark.parametrize("piece", [slice(1, None), slice(-1, -1, 2), slice(0, 0), slice(0, 1)])
@pytest.mark.parametrize("length", [1, 3])
def test_a_slice_of_a_sum_may_be_empty(rng, piece, length):
    """Aesara's own rewrite takes (x + y)[1:] for x + y where both have one element."""
    x, y = tensor("x", "float64", (length,)), tensor("y", "float64", (length,))
    values = [rng.standard_normal(length) for _ in range(2)]
    agree([x, y], [(x + y)[piece], at.exp(x)[piece], (x / 2)[piece][:1]], values)


def test_an_axis_of_a_slice_is_dropped_in_silence(rng, capfd):
    """Aesara's own rewrite of this fails, and says so on the standard error."""
    x = tensor("x", "float64", (1, 3, 5))
    agree([x], [at.tanh(x)[::-1].dimshuffle(1, 2)], [rng.standard_normal((1, 3, 5))])
    assert "BUG" not in capfd.readouterr().err


def test_all_rewrites_are_in_the_database_and_only_for_those_who_ask():
    names = {
        "native_keep_forward", "native_hand_through", "native_sum_after_loop",
        "native_join_products", "native_one_hot_before_loop", "native_one_hot_product",
        "native_project_table", "native_table_gradient", "native_static_shapes",
        "native_softmax_of_sum",
    }  # fmt: skip
    assert names <= set(optdb.__db__)
    ours = {
        getattr(rewriter, "name", None)
        for rewriter in optdb.query(query()).data
        if rewriter not in optdb.query("+fast_run").data
    }
    assert names <= ours
    assert "native_product_after_loop" in scan_seqopt1.__db__
    assert not [r for r in scan_seqopt1.query("+fast_run").data if "product_after" in str(r)]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: at.tanh(x) + x[:1],
        lambda x: x.dimshuffle(1, "x", 0),
        lambda x: at.sum(x, axis=0),
        lambda x: at.dot(x, x.T),
        lambda x: x[::-1][1:][::2],
        lambda x: x[-1],
        lambda x: x.reshape((-1, 2)),
        lambda x: at.inc_subtensor(x[1:], 1),
        lambda x: x[at.constant(np.array([0, 2, 1, 1]))],
        lambda x: at.alloc(x[0, 0], 3, 4),
        lambda x: aesara.scan(lambda a: (a, a.sum()), sequences=[x])[0][0],
    ],
)
def test_lengths_are_those_of_the_result(rng, make):
    x = tensor("x", "float64", (4, 6))
    value = rng.standard_normal((4, 6))
    wanted = build([x], make(x), PYTHON)(value)
    graph = FunctionGraph([x], [make(x)], clone=True, features=[StaticShapes()])
    feature = graph.shape_feature
    assert feature.lengths(graph.outputs[0]) == wanted.shape
    node = graph.outputs[0].owner
    got = infer(node, [feature.lengths(v) for v in node.inputs])[
        node.outputs.index(graph.outputs[0])
    ]
    assert got in (wanted.shape, None)
