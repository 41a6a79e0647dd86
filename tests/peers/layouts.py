"""Where each of our weights stands in PyTorch's and in Keras's layers, and the way back.

Ours are W_x `(I, G·H)`, W_h `(H, G·H)`, b `(G·H,)` and, for the GRU, b_n `(H,)`; gates are
i, f, g, o (LSTM) and r, u, n (GRU, with n = tanh(zx_n + r · (h_tm1 W_hn + b_n))).

- PyTorch: the same order of gates; weights are transposed; two biases that are added, b_ih + b_hh,
  except in the GRU's n, where b_hh is our b_n. The GRU's u is called z.
- Keras: weights are as ours; LSTM gates in the same order, GRU gates in the order z (our u), r, h
  (our n); with reset_after=True the GRU has two biases in one array `(2, 3H)`, as PyTorch has them.
"""

import numpy as np


def gru_biases(b, b_n, share):
    """Part the biases: all of the GRU's n is fixed, of the rest a share may stand in either."""
    hidden = len(b_n)
    recurrent = np.concatenate([share[: 2 * hidden], b_n])
    inputs = np.concatenate([b[: 2 * hidden] - share[: 2 * hidden], b[2 * hidden :]])
    return inputs, recurrent


def to_torch(cell, w, share):
    """Give PyTorch's parameters; `share` `(G·H,)` is what b_hh has of the sum of both biases."""
    inputs, recurrent = (
        gru_biases(w["b"], w["b_n"], share) if cell == "gru" else (w["b"] - share, share)
    )
    return {
        "weight_ih_l0": w["W_x"].T.copy(),
        "weight_hh_l0": w["W_h"].T.copy(),
        "bias_ih_l0": inputs,
        "bias_hh_l0": recurrent,
    }


def from_torch(cell, g):
    """Give the gradients of our weights from those of PyTorch's."""
    ours = {"W_x": g["weight_ih_l0"].T, "W_h": g["weight_hh_l0"].T, "b": g["bias_ih_l0"]}
    if cell == "gru":
        ours["b_n"] = np.split(g["bias_hh_l0"], 3)[2]
    return ours


def swapped(array):
    """Exchange the first two of three gates: r, u, n ↔ z, r, h."""
    first, second, third = np.split(array, 3, axis=-1)
    return np.concatenate([second, first, third], axis=-1)


def to_keras(cell, w, share):
    """Give Keras's weights."""
    if cell != "gru":
        return {"kernel": w["W_x"], "recurrent_kernel": w["W_h"], "bias": w["b"]}
    return {
        "kernel": swapped(w["W_x"]),
        "recurrent_kernel": swapped(w["W_h"]),
        "bias": swapped(np.stack(gru_biases(w["b"], w["b_n"], share))),
    }


def from_keras(cell, g):
    """Give the gradients of our weights from those of Keras's."""
    if cell != "gru":
        return {"W_x": g["kernel"], "W_h": g["recurrent_kernel"], "b": g["bias"]}
    inputs, recurrent = swapped(g["bias"])
    return {
        "W_x": swapped(g["kernel"]),
        "W_h": swapped(g["recurrent_kernel"]),
        "b": inputs,
        "b_n": np.split(recurrent, 3)[2],
    }


TO = {"torch": to_torch, "keras": to_keras}
FROM = {"torch": from_torch, "keras": from_keras}
