"""The lesson's "pure Python" network: NumPy alone, backpropagation through time by hand.

It shares no code with the graphs and is what they are held against. Forward and backward stand next
to each other; every array is time-major, and the loss is the sum over time, mean over the batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Weights = Mapping[str, Array]


@dataclass(frozen=True)
class Pass:
    """What the forward pass leaves for the backward pass.

    Shapes: h `(T + 1, B, H)` with h[0] the initial state, so that h[t + 1] is the state after x[t];
    p `(T, B, V)` the probabilities; loss in nats per sequence.
    """

    h: Array
    p: Array
    loss: float


def rnn_forward(weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32]) -> Pass:
    """Run the network over T characters from a zero state.

    h_t = relu(W_xh[x_t] + h_tm1 W_hh + b_h),  p_t = softmax(h_t W_hy + b_y),
    L = -1/B Σ_t Σ_b log p_t[b, y_t[b]]

    Shapes: x, y `(T, B)`, W_xh `(V, H)`, W_hh `(H, H)`, b_h `(H,)`, W_hy `(H, V)`, b_y `(V,)`.
    A row of W_xh is what a one-hot vector picks.
    """
    W_xh, W_hh, b_h = weights["W_xh"], weights["W_hh"], weights["b_h"]
    W_hy, b_y = weights["W_hy"], weights["b_y"]
    time, batch = x.shape
    h = np.zeros((time + 1, batch, W_hh.shape[0]), dtype=W_hh.dtype)
    p = np.zeros((time, batch, W_hy.shape[1]), dtype=W_hh.dtype)
    loss = 0.0
    for t in range(time):
        h[t + 1] = np.maximum(W_xh[x[t]] + h[t] @ W_hh + b_h, 0)
        z = h[t + 1] @ W_hy + b_y
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        p[t] = np.exp(log_p)
        loss -= float(log_p[np.arange(batch), y[t]].sum()) / batch
    return Pass(h, p, loss)


def rnn_backward(
    weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32], forward: Pass
) -> dict[str, Array]:
    """Give d L / d weight for every weight, going back in time.

    dz_t = (p_t - one_hot(y_t)) / B
    dh_t = dz_t W_hyᵀ + da_{t+1} W_hhᵀ,   da_t = dh_t · [h_t > 0]
    dW_hy = Σ h_tᵀ dz_t,   dW_hh = Σ h_tm1ᵀ da_t,   dW_xh = Σ one_hot(x_t)ᵀ da_t

    `h_tm1ᵀ da_t` is the outer product of state and error (summed over the batch), where the
    lesson's code takes a dot. Werbos, "Backpropagation through time" (1990), section III.
    """
    h, p = forward.h, forward.p
    time, batch = x.shape
    grads = {name: np.zeros_like(value) for name, value in weights.items()}
    da_next = np.zeros_like(h[0])
    for t in reversed(range(time)):
        dz = p[t].copy()
        dz[np.arange(batch), y[t]] -= 1
        dz /= batch
        grads["W_hy"] += h[t + 1].T @ dz
        grads["b_y"] += dz.sum(axis=0)
        dh = dz @ weights["W_hy"].T + da_next @ weights["W_hh"].T
        da = dh * (h[t + 1] > 0)
        grads["W_hh"] += h[t].T @ da
        grads["b_h"] += da.sum(axis=0)
        np.add.at(grads["W_xh"], x[t], da)
        da_next = da
    return grads


def sgd(weights: Weights, grads: Weights, rate: float) -> dict[str, Array]:
    """Give the weights after one step: param := param - rate · gradient."""
    return {
        name: (value - rate * grads[name]).astype(value.dtype) for name, value in weights.items()
    }
