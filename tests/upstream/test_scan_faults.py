"""Where Aesara's scan is wrong: right values from every backend, against NumPy and differences."""

import logging
import re
from collections import Counter
from pathlib import Path

import graphrnn
from graphrnn.backends.compile import compile_graph
from graphrnn.errors import UserError
from graphrnn.graph import loops
from graphrnn.graph.shapes import tensor
from graphrnn.upstream.scan_faults import SCAN_FAULTS
from graphrnn.upstream.scan_saving import can_remove_outs

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode, get_mode
from aesara.gradient import NullTypeGradError
from aesara.graph.basic import ancestors
from aesara.link.vm import VMLinker
from aesara.scan.op import Scan
from aesara.scan.utils import until

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


@pytest.fixture(autouse=True)
def quiet(caplog):
    """No rewrite may end in a traceback."""
    with caplog.at_level(logging.WARNING, logger="aesara"):
        yield
    assert not [r.getMessage() for r in caplog.records if "Rewrite failure" in r.getMessage()]


def differences(f, x, step=1e-6):
    """Compute the gradient of a function of an array by central differences."""
    x = np.asarray(x, dtype="float64")
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        apart = np.zeros_like(x)
        apart[place] = step
        found[place] = (f(x + apart) - f(x - apart)) / (2 * step)
    return found


def close(got, wanted, tolerance=1e-7):
    assert np.shape(got) == np.shape(wanted)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def leaky(x, z, a=0.0, b=0.0):
    """Sum what two leaky sums are at each moment."""
    seen = []
    for x_t, z_t in zip(x, z, strict=True):
        a, b = 0.9 * a + x_t, 0.5 * b + z_t
        seen.append(a + b)
    return np.array(seen)


def test_every_fault_has_its_test():
    text = Path(__file__).read_text(encoding="utf-8")
    for fault in SCAN_FAULTS:
        assert f"def {fault.test}(" in text
    assert max(Counter(fault.name for fault in SCAN_FAULTS).values()) == 1


@pytest.mark.parametrize("way", WAYS)
def test_two_time_scales_have_two_gradients(way):
    def graph():
        x, z = tensor("x", "float64", (4,)), tensor("z", "float64", (4,))

        def step(x_t, z_t, a, b):
            a, b = 0.9 * a + x_t, 0.5 * b + z_t
            return [a, b, a + b]

        seen = loops.scanned(step, [x, z], [ZERO, ZERO])[2]
        return [x, z], aesara.grad((seen**2).sum(), [x, z]), []

    z = np.ones(4)
    dx, dz = way(graph)(X, z)
    close(dx, differences(lambda v: (leaky(v, z) ** 2).sum(), X))
    close(dz, differences(lambda v: (leaky(X, v) ** 2).sum(), z))


def test_states_that_are_always_equal_are_one():
    def graph(factors):
        x = tensor("x", "float64", (4,))
        a, b, _ = loops.scanned(
            lambda x_t, a, b, c: [factors[0] * a + x_t, factors[1] * b + x_t, c * 0.1 + a * b],
            [x], [ZERO, ZERO, ZERO],
        )  # fmt: skip
        return [x], [a, b], []

    def states(factors):
        nodes = in_python(lambda: graph(factors)).maker.fgraph.apply_nodes
        return sum(node.op.info.n_sit_sot for node in nodes if isinstance(node.op, Scan))

    assert states([0.9, 0.9]) == 1
    assert states([0.9, 0.5]) == 2


@pytest.mark.parametrize("way", WAYS)
def test_equal_states_fed_by_unequal_ones_stay_apart(way):
    """Two pairs begin alike; a and b are told apart by what they read alone."""

    def graph():
        x = tensor("x", "float64", (4,))
        a, b, _, _ = loops.scanned(
            lambda x_t, a, b, c, d: [a + c, b + d, c + x_t, d - x_t], [x], [ZERO] * 4
        )
        return [x], [a, b], []

    a, b = way(graph)(X)
    wanted = np.cumsum(np.cumsum([0, *X[:-1]]))
    close(a, wanted)
    close(b, -wanted)


def powers(order):
    """Compute a derivative of ((x^2)^2 …)^2, a power of 16."""

    def graph():
        x = tensor("x", "float64", ())
        y, _ = aesara.scan(lambda y: y**2, outputs_info=[x], n_steps=4)
        found = y[-1]
        for _ in range(order):
            found = aesara.grad(found, x)
        return [x], [found], []

    return graph


@pytest.mark.parametrize(
    ("way", "order"), [(w, 2) for w in WAYS] + [(as_written, 3), (natively, 3)]
)
def test_high_derivatives_of_a_power(way, order):
    (got,) = way(powers(order))(0.95)
    close(got, np.prod([16, 15, 14][:order]) * 0.95 ** (16 - order))


def tanh_sums(w, x, taps):
    """Sum the squares of h_t = tanh(x_t + w h_{t - k}), h zero at first, k the last of taps."""
    h = [0.0] * max(taps)
    for x_t in x:
        h.append(np.tanh(x_t + sum(w * h[-k] / k for k in taps)))
    return sum(v**2 for v in h)


@pytest.mark.parametrize(
    ("way", "taps"),
    [
        *((way, taps) for way in (as_written, natively) for taps in ((1,), (1, 2), (3,))),
        # What is stepped in Python is rewritten alike in both ways, for seconds each.
        (in_python, (1, 2)),
        (in_stock, (1,)),
        (in_stock, (3,)),
    ],
)
def test_gradients_of_gradients(way, taps):
    def graph():
        w, x = tensor("w", "float64", ()), tensor("x", "float64", (4,))
        first = at.zeros(max(taps), dtype="float64") if taps != (1,) else ZERO
        h, _ = aesara.scan(
            lambda x_t, *rest: at.tanh(
                x_t + sum(rest[-1] * h / k for h, k in zip(rest, taps, strict=False))
            ),
            sequences=[x],
            outputs_info=[{"initial": first, "taps": [-k for k in taps]}],
            non_sequences=[w],
        )
        slope = aesara.grad((h**2).sum(), w)
        return [w, x], [slope, *aesara.grad(slope, [w, x])], []

    slope, dw, dx = way(graph)(0.7, X)

    def slope_of(w, x):
        return differences(lambda v: tanh_sums(float(v), x, taps), w, 1e-5)

    close(slope, slope_of(0.7, X))
    close(dw, differences(lambda v: slope_of(float(v), X), 0.7, 1e-4), 1e-4)
    close(dx, differences(lambda v: slope_of(0.7, v), X, 1e-4), 1e-4)


def test_the_loop_of_a_gradient_of_one_state_keeps_its_form():
    """What every network trains by is Aesara's own: one loop, adding in place."""
    w, x = tensor("w", "float64", ()), tensor("x", "float64", (4,))
    h = loops.scanned(lambda x_t, h, w: at.tanh(x_t + w * h), [x], [ZERO], [w])[0]
    gradient = aesara.grad((h**2).sum(), w)
    found = {v.owner for v in ancestors([gradient]) if v.owner}
    (node,) = [n for n in found if isinstance(n.op, Scan) and n.op.info.n_mit_mot]
    assert node.op.info.mit_mot_in_slices == ((0, 1),)


def climbing(x, a0, a):
    """Give the sums of a_t = a a_{t-1} + x_t until one is larger than 5."""
    values, state = [], a0
    for x_t in x:
        state = a * state + x_t
        values.append(state)
        if state > 5:
            break
    return np.array(values)


def climb():
    x, a0, a = (
        tensor("x", "float64", (12,)),
        tensor("a0", "float64", ()),
        tensor("a", "float64", ()),
    )
    y, _ = aesara.scan(lambda x_t, y, a: (a * y + x_t, until(a * y + x_t > 5)), [x], [a0], [a])
    return [x, a0, a], aesara.grad((y**2).sum(), [x, a0, a]), []


@pytest.mark.parametrize("way", STEPPED)
def test_the_gradient_of_a_loop_that_ends_at_a_condition(way):
    x = np.linspace(0.4, 0.9, 12)
    assert 1 < len(climbing(x, 0.2, 1.3)) < 12
    dx, da0, da = way(climb)(x, 0.2, 1.3)
    close(dx, differences(lambda v: (climbing(v, 0.2, 1.3) ** 2).sum(), x), 1e-6)
    close(da0, differences(lambda v: (climbing(x, v, 1.3) ** 2).sum(), 0.2), 1e-6)
    close(da, differences(lambda v: (climbing(x, 0.2, v) ** 2).sum(), 1.3), 1e-6)


def test_native_refuses_what_ends_at_a_condition():
    with pytest.raises(UserError, match="known only at run time"):
        natively(climb)


@pytest.mark.parametrize("cut", [1, 2, 4, 5])
@pytest.mark.parametrize("way", WAYS)
def test_a_cut_gradient_of_the_same_value(way, cut):
    def graph():
        x = tensor("x", "float64", (4, 3))
        y, _ = aesara.scan(lambda v: v, [x], truncate_gradient=cut)
        return [x], [aesara.grad((y**2).sum(), x)], []

    x = np.arange(12.0).reshape(4, 3)
    wanted = 2 * x
    wanted[: max(0, 4 - cut)] = 0
    close(way(graph)(x)[0], wanted)


@pytest.mark.parametrize("way", [as_written, natively, in_stock])
def test_a_cut_gradient_of_a_cut_gradient(way):
    """The last two steps have a gradient; the state before them does not change."""

    def graph():
        w, x = tensor("w", "float64", ()), tensor("x", "float64", (4,))
        h, _ = aesara.scan(
            lambda x_t, h, w: at.tanh(x_t + w * h), [x], [ZERO], [w], truncate_gradient=2
        )
        slope = aesara.grad(h[-1] ** 2, w)
        return [w, x], [slope, aesara.grad(slope, w)], []

    before = np.tanh(X[1] + 0.7 * np.tanh(X[0]))

    def loss(w):
        return np.tanh(X[3] + w * np.tanh(X[2] + w * before)) ** 2

    slope, bend = way(graph)(0.7, X)
    close(slope, differences(loss, 0.7))
    close(bend, differences(lambda v: differences(loss, v, 1e-5), 0.7, 1e-4), 1e-4)


def test_a_cut_gradient_through_draws_is_refused():
    def graph():
        x = tensor("x", "float64", (4,))
        stream = at.random.utils.RandomStream(1)
        y, more = aesara.scan(
            lambda x_t, y: y * 0.5 + x_t + stream.normal(), [x], [ZERO], truncate_gradient=2
        )
        return [x], [aesara.grad(y[-1], x)], list(more.items())

    with pytest.raises(NotImplementedError, match="truncate_gradient=2 in a loop that draws"):
        in_python(graph)


@pytest.mark.parametrize("way", WAYS)
def test_a_state_that_is_a_constant_of_the_loop(way):
    def graph():
        k = tensor("k", "float64", (3,))
        y, _ = aesara.scan(lambda s: k[0], outputs_info=[ZERO], n_steps=4)
        (a, b, c), _ = aesara.scan(
            lambda s, t2, t1: [k[0], k[1] * 2, k[2] * 3],
            outputs_info=[ZERO, {"initial": at.zeros(2), "taps": [-2, -1]}, None],
            n_steps=4,
        )
        return [k], [y, a, b, c], []

    for got, wanted in zip(way(graph)(np.array([5.0, 1.0, 2.0])), (5, 5, 2, 6), strict=True):
        close(got, np.full(4, wanted))


@pytest.mark.parametrize("way", STEPPED)
def test_a_constant_until_a_condition(way):
    def graph():
        k = tensor("k", "float64", (3,))
        y, _ = aesara.scan(lambda k: (k[0] * 2, until(k[1] > 0)), non_sequences=[k], n_steps=4)
        return [k], [y], []

    close(way(graph)(np.array([5.0, 1.0, 2.0]))[0], [10.0])


@pytest.mark.parametrize("way", WAYS)
def test_states_of_unequal_taps_without_a_recurrence(way):
    def graph():
        x = tensor("x", "float64", (4,))
        many, _ = aesara.scan(
            lambda v, a2, a1, b3, b1: [v * 2, v + 1], [x],
            [{"initial": at.zeros(2), "taps": [-2, -1]}, {"initial": at.ones(3), "taps": [-3, -1]}],
        )  # fmt: skip
        single, _ = aesara.scan(
            lambda v, a, b: [v * 2, v + 1], [x],
            [{"initial": at.zeros(2), "taps": [-2]}, {"initial": at.ones(3), "taps": [-3]}],
        )  # fmt: skip
        return [x], [*many, *single], []

    for got, wanted in zip(way(graph)(X), [2 * X, X + 1] * 2, strict=True):
        close(got, wanted)


@pytest.mark.parametrize("way", STEPPED)
def test_loops_that_end_at_two_conditions_stay_two(way):
    def graph():
        x, z, c = (tensor(n, "float64", s) for n, s in (("x", (5,)), ("z", (5,)), ("c", ())))
        a, _ = aesara.scan(lambda p, q, c: (p + 1, until(q > c)), [x, z], non_sequences=[c])
        b, _ = aesara.scan(lambda p, q, c: (p - 1, until(q > c)), [x, -z], non_sequences=[c])
        return [x, z, c], [a, b], []

    a, b = way(graph)(np.zeros(5), np.arange(5.0), 0.0)
    close(a, np.ones(2))
    close(b, -np.ones(5))


def test_pairs_of_loops_that_wait_for_one_another():
    def graph():
        x = tensor("x", "float64", (3,))
        a, _ = aesara.scan(lambda p: 0.9 * p + 1, outputs_info=[x], n_steps=5)
        b, _ = aesara.scan(lambda p: 0.8 * p + 0.5, outputs_info=[x], n_steps=4)
        after_b = at.stack([x, *(b[k] for k in range(4))])
        c, _ = aesara.scan(lambda s, p: 0.5 * p + s, [after_b], [at.zeros(3)], n_steps=5)
        d, _ = aesara.scan(lambda s, p: 0.5 * p + s, [a[:-1]], [at.zeros(3)], n_steps=4)
        return [x], [c[-1] + d[-1]], []

    x = np.array([1.0, 2.0, 3.0])
    a, b = [x], [x]
    for _ in range(4):
        a.append(0.9 * a[-1] + 1)
        b.append(0.8 * b[-1] + 0.5)
    wanted = sum(0.5 ** (4 - k) * v for k, v in enumerate(b))
    wanted = wanted + sum(0.5 ** (3 - k) * v for k, v in enumerate(a[1:]))
    for way in (in_python, natively):
        close(way(graph)(x)[0], wanted)


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


@pytest.mark.parametrize("way", WAYS)
def test_a_running_total_that_is_an_output_too(way):
    def graph():
        x = tensor("x", "float64", (4, 3))
        (a, b), _ = aesara.scan(lambda v, s: [s + v.sum(), s + v.sum()], [x], [ZERO, None])
        same, _ = aesara.scan(lambda v, s: [new := s + v.sum(), new], [x], [ZERO, None])
        return [x], [a[-1], b, same[0][-1], same[1]], []

    x = np.arange(12.0).reshape(4, 3)
    total = np.cumsum(x.sum(axis=1))
    for got, wanted in zip(way(graph)(x), [total[-1], total] * 2, strict=True):
        close(got, wanted)


def test_states_that_nobody_needs():
    """Of the gradient's loop of a state with two taps, every state that a step reads is kept."""
    w, x = tensor("w", "float64", ()), tensor("x", "float64", (4,))
    h, _ = aesara.scan(
        lambda x_t, h2, h1, w: at.tanh(x_t + w * h1 - h2), [x],
        [{"initial": at.zeros(2), "taps": [-2, -1]}], [w],
    )  # fmt: skip
    gradient = aesara.grad((h**2).sum(), w)
    nodes = {v.owner for v in ancestors([gradient]) if v.owner}
    (op,) = [n.op for n in nodes if isinstance(n.op, Scan) and n.op.info.n_mit_mot]
    assert op.info.n_mit_mot_outs == 2 > op.info.n_mit_mot
    unread = list(range(len(op.info.sit_sot_in_slices) + op.info.n_mit_mot + op.info.n_nit_sot))
    last = unread[-1]
    kept, dropped = can_remove_outs(op, unread[:-1])
    assert 0 in kept  # the gradient of the sequence is computed from that of the state
    assert sorted([*kept, *dropped, last]) == unread
    assert can_remove_outs(op, unread) == ([], unread)


@pytest.mark.parametrize(("way", "taps"), [(in_python, 1), (in_stock, 2)])
def test_a_loop_that_turns_out_to_have_no_steps(way, taps):
    def graph():
        a, w, n = tensor("a", "float64", (2,)), tensor("w", "float64", ()), tensor("n", "int64", ())
        first = a if taps == 1 else at.stack([a, 2 * a])
        h, _ = aesara.scan(
            lambda *v: v[0] * v[-1], outputs_info=[{"initial": first, "taps": [-taps]}],
            non_sequences=[w], n_steps=n,
        )  # fmt: skip
        states = h.owner.inputs[0]
        return [a, w, n], [states[-1], *aesara.grad(states[-1].sum(), [a, w])], []

    function, a = way(graph), np.array([1.0, 2.0])
    for n in (0, 1, 4, 0):
        power = -(-n // taps)  # how often the last state was multiplied
        scale = 2 if taps == 2 and n % 2 == 0 else 1  # of the two first states, which it comes from
        last, da, dw = function(a, 0.7, n)
        close(last, scale * 0.7**power * a)
        close(da, np.full(2, scale * 0.7**power))
        close(dw, scale * power * 0.7 ** max(power - 1, 0) * 3.0 if power else 0.0)


@pytest.mark.parametrize("way", [as_written, natively])
def test_the_gradient_of_a_loop_that_collects_a_constant(way):
    def graph():
        h = tensor("h", "float64", (2,))
        half = at.constant(np.asarray(0.5))
        (s, c), _ = aesara.scan(lambda s: [s * s, half], outputs_info=[h, None], n_steps=2)
        return [h], [aesara.grad((s[-1] * c[0]).sum() + c.sum(), h)], []

    (slope,) = way(graph)(X[:2])
    close(slope, 2 * X[:2] ** 3)


def test_a_gradient_that_is_not_defined_in_a_loop_says_why():
    h = tensor("h", "float64", (3,))
    r, _ = aesara.scan(
        lambda a: [a * 1.5, at.prod(at.outer(a, a), axis=0)], outputs_info=[h, None], n_steps=2
    )
    slope = aesara.grad(r[1].sum(), h)
    with pytest.raises(NullTypeGradError, match=r"2nd derivatives of `product\(a\)`"):
        aesara.grad(slope.sum(), h)


@pytest.mark.parametrize("way", [*STEPPED, in_stocks_c])
def test_what_a_loop_of_no_steps_collects_has_its_shape(way):
    def graph():
        h, n, k = tensor("h", "float64", (2, 3)), tensor("n", "int64", ()), tensor("k", "int64", ())
        results, _ = aesara.scan(
            lambda s, k: [s, s[0], at.dot(s, s.T), at.arange(k) + s[0, 0], s.sum()],
            outputs_info=[h, *[None] * 4], non_sequences=[k], n_steps=n,
        )  # fmt: skip
        return [h, n, k], results, []

    function = way(graph)
    for n in (0, 2, 0):
        got = function(np.ones((2, 3)), n, 4)
        assert [v.shape for v in got] == [(n, 2, 3), (n, 3), (n, 2, 2), (n, 4), (n,)]


def test_a_length_that_only_a_step_can_tell_is_refused():
    h, n = at.dvector("h"), at.lscalar("n")
    results, _ = aesara.scan(
        lambda s: [s, at.arange(at.cast(s[0], "int64"))], outputs_info=[h, None], n_steps=n
    )
    function = aesara.function([h, n], results, mode=Mode(VMLinker(use_cloop=False), None))
    assert function([3.0], 2)[1].shape == (2, 3)
    with pytest.raises(ValueError, match="0 steps, and how long the arrays are"):
        function([3.0], 0)


def test_the_table_for_people_is_that_of_the_code():
    path = Path(graphrnn.__file__).parent / "upstream" / "README.md"
    section = path.read_text(encoding="utf-8").split("## Where its scan is wrong")[1]
    rows = [line for line in section.splitlines() if re.match(r"\| (?!---|fault )", line)]
    assert rows == [fault.row() for fault in SCAN_FAULTS]
