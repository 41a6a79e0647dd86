"""What is kept of a loop's states is what is read of them."""

from graphrnn.graph.shapes import tensor
from graphrnn.upstream.scan_saving import can_remove_outs
from tests.upstream.scan_ways import close, in_python, in_stock

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.basic import ancestors
from aesara.scan.op import Scan


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
