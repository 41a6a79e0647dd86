"""A network of your own, to train by: graphrnn train --model my_net.py.

A minimal gated unit (Zhou et al., "Minimal gated unit for recurrent neural networks", 2016). Change
`step` and `weights`; keep what `forward` takes and gives. Loops, backends, checkpoints and sampling
then work as for any other network.
"""

import graphrnn as gr

import aesara.tensor as at


def step(zf_t, za_t, h_tm1, W_hf, W_ha):
    """Take one step: what is forgotten makes room for what is new."""
    f = at.sigmoid(zf_t + h_tm1 @ W_hf)
    a = at.tanh(za_t + (f * h_tm1) @ W_ha)
    return (1 - f) * h_tm1 + f * a


def forward(x, states, weights, loop):
    """From indices x (T, B) and states [h (B, H)], compute logits (T, B, V) and the last states."""
    zf = gr.layers.projected(x, weights["E"], weights["W_xf"], weights["b_f"])
    za = gr.layers.projected(x, weights["E"], weights["W_xa"], weights["b_a"])
    (h,) = loop(step, [zf, za], states, [weights["W_hf"], weights["W_ha"]])
    return gr.layers.dense(h, weights["W_hy"], weights["b_y"]), [h[-1]]


def weights(sizes):
    """Name every weight, with its shape and how it is drawn."""
    V, n, H = sizes.vocabulary, sizes.embedding, sizes.hidden
    return {
        "E": gr.weights.uniform(V, n),
        "W_xf": gr.weights.glorot(n, H),
        "W_xa": gr.weights.glorot(n, H),
        "b_f": gr.weights.zeros(H),
        "b_a": gr.weights.zeros(H),
        "W_hf": gr.weights.orthogonal(H),
        "W_ha": gr.weights.orthogonal(H),
        "W_hy": gr.weights.glorot(H, V),
        "b_y": gr.weights.zeros(V),
    }


MODEL = gr.Model(
    name="minimal_gated_unit",
    summary="one gate for both what is kept and what is new",
    section="of my own",
    weights=weights,
    forward=forward,
    state_widths=lambda sizes: {"h": sizes.hidden},
)
RECIPE = gr.Recipe(hidden=128, embedding=32, time=16, learning_rate=2e-3)
