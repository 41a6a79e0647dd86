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
    p `(T, B, V)` the probabilities; loss in nats per sequence; inner is what the cell's own passes
    leave (gates, memory).
    """

    h: Array
    p: Array
    loss: float
    inner: tuple[Array, ...] = ()


def _predict(weights: Weights, h: Array, y: npt.NDArray[np.int32]) -> tuple[Array, float]:
    """Return the probabilities after every step, and the loss.

    p_t = softmax(h_t W_hy + b_y),   L = -1/B Σ_t Σ_b log p_t[b, y_t[b]]

    Shapes: h `(T, B, H)`, y `(T, B)`, W_hy `(H, V)`, b_y `(V,)`, p `(T, B, V)`.
    """
    z = h @ weights["W_hy"] + weights["b_y"]
    z = z - z.max(axis=-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    right = np.take_along_axis(log_p, y[..., None].astype(np.int64), axis=-1)
    return np.exp(log_p), -float(right.sum()) / y.shape[1]


def _predict_backward(
    weights: Weights, forward: Pass, y: npt.NDArray[np.int32]
) -> tuple[Array, dict[str, Array]]:
    """Return d L / d h `(T, B, H)` from the predictions alone, and the gradients of their weights.

    dz_t = (p_t - one_hot(y_t)) / B,   dh_t = dz_t W_hyᵀ,   dW_hy = Σ h_tᵀ dz_t,   db_y = Σ dz_t
    """
    dz = forward.p - np.eye(forward.p.shape[-1], dtype=forward.p.dtype)[y]
    dz /= y.shape[1]
    h = forward.h[1:]
    grads = {"W_hy": np.einsum("tbh,tbv->hv", h, dz, optimize=True), "b_y": dz.sum(axis=(0, 1))}
    return dz @ weights["W_hy"].T, grads


def _read_backward(W_x: Array, x: npt.NDArray[np.int32], dzx: Array) -> Array:
    """Return d L / d W_x, whose rows one-hot vectors pick: dW_x = Σ one_hot(x_t)ᵀ dzx_t."""
    dW_x = np.zeros_like(W_x)
    np.add.at(dW_x, x, dzx)
    return dW_x


def rnn_forward(weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32]) -> Pass:
    """Run the network over T characters from a zero state.

    h_t = relu(W_xh[x_t] + h_tm1 W_hh + b_h), then the predictions

    Shapes: x, y `(T, B)`, W_xh `(V, H)`, W_hh `(H, H)`, b_h `(H,)`, W_hy `(H, V)`, b_y `(V,)`.
    A row of W_xh is what a one-hot vector picks.
    """
    W_xh, W_hh, b_h = weights["W_xh"], weights["W_hh"], weights["b_h"]
    time, batch = x.shape
    h = np.zeros((time + 1, batch, W_hh.shape[0]), dtype=W_hh.dtype)
    for t in range(time):
        h[t + 1] = np.maximum(W_xh[x[t]] + h[t] @ W_hh + b_h, 0)
    return Pass(h, *_predict(weights, h[1:], y))


def rnn_backward(
    weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32], forward: Pass
) -> dict[str, Array]:
    """Return d L / d weight for every weight, going back in time.

    da_t = (dh_t + da_{t+1} W_hhᵀ) · [h_t > 0],   dh_t from the predictions
    dW_hh = Σ h_tm1ᵀ da_t,   dW_xh = Σ one_hot(x_t)ᵀ da_t

    `h_tm1ᵀ da_t` is the outer product of state and error (summed over the batch), where the
    lesson's code takes a dot. Werbos, "Backpropagation through time" (1990), section III.
    """
    h, W_hh = forward.h, weights["W_hh"]
    dh, grads = _predict_backward(weights, forward, y)
    da, dW_hh = np.zeros_like(dh), np.zeros_like(W_hh)
    da_next = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        da[t] = da_next = (dh[t] + da_next @ W_hh.T) * (h[t + 1] > 0)
        dW_hh += h[t].T @ da_next
    dW_xh = _read_backward(weights["W_xh"], x, da)
    return {"W_xh": dW_xh, "W_hh": dW_hh, "b_h": da.sum(axis=(0, 1)), **grads}


def sgd(weights: Weights, grads: Weights, learning_rate: float) -> dict[str, Array]:
    """Return the weights after one step: param := param - learning_rate · gradient."""
    return {
        name: (value - learning_rate * grads[name]).astype(value.dtype)
        for name, value in weights.items()
    }


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def lstm_forward(zx: Array, W_h: Array) -> tuple[Array, Array, Array]:
    """Run an LSTM from zero states; gates in the order i, f, g, o.

    z_t = zx_t + h_tm1 W_h,   c_t = f · c_tm1 + i · g,   h_t = o · tanh(c_t)

    Shapes: zx `(T, B, 4H)`, W_h `(H, 4H)`; returns h and c `(T + 1, B, H)`, beginning with the zero
    states, and the gates after their activations `(T, B, 4H)`.
    """
    time, batch, _ = zx.shape
    H = len(W_h)
    h, c = np.zeros((2, time + 1, batch, H), dtype=zx.dtype)
    gates = np.zeros_like(zx)
    for t in range(time):
        z = zx[t] + h[t] @ W_h
        i, f, o = _sigmoid(z[:, :H]), _sigmoid(z[:, H : 2 * H]), _sigmoid(z[:, 3 * H :])
        g = np.tanh(z[:, 2 * H : 3 * H])
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
        gates[t] = np.concatenate([i, f, g, o], axis=1)
    return h, c, gates


def lstm_backward(W_h: Array, h: Array, c: Array, gates: Array, dh: Array) -> tuple[Array, Array]:
    """Return d L / d zx and d L / d W_h from d L / d h `(T, B, H)`, backwards.

    do = dh · tanh(c_t),   dc_t += dh · o · (1 - tanh²(c_t)),   dc_tm1 = dc_t · f
    di = dc · g,   df = dc · c_tm1,   dg = dc · i;   each times the slope of its activation is dz
    dh_tm1 += dz W_hᵀ,   dW_h = Σ h_tm1ᵀ dz
    """
    time, H = len(gates), len(W_h)
    dzx, dW_h = np.zeros_like(gates), np.zeros_like(W_h)
    dh_next, dc = np.zeros_like(h[0]), np.zeros_like(c[0])
    for t in reversed(range(time)):
        i, f, g, o = np.split(gates[t], 4, axis=1)
        tanh_c = np.tanh(c[t + 1])
        dh_t = dh[t] + dh_next
        dc = dc + dh_t * o * (1 - tanh_c**2)
        dzx[t, :, :H] = dc * g * i * (1 - i)
        dzx[t, :, H : 2 * H] = dc * c[t] * f * (1 - f)
        dzx[t, :, 2 * H : 3 * H] = dc * i * (1 - g**2)
        dzx[t, :, 3 * H :] = dh_t * tanh_c * o * (1 - o)
        dc = dc * f
        dh_next = dzx[t] @ W_h.T
        dW_h += h[t].T @ dzx[t]
    return dzx, dW_h


def gru_forward(zx: Array, W_h: Array, b_n: Array) -> tuple[Array, Array]:
    """Run a GRU from a zero state; gates in the order r, u, n, the reset gate behind the product.

    n = tanh(zx_n + r · (h_tm1 W_hn + b_n)),   h_t = (1 - u) · n + u · h_tm1

    Shapes: zx `(T, B, 3H)`, W_h `(H, 3H)`, b_n `(H,)`; h `(T + 1, B, H)`, beginning with the
    zero state, and r, u, n `(T, B, 3H)`.
    """
    time, batch, _ = zx.shape
    H = len(W_h)
    h, gates = np.zeros((time + 1, batch, H), dtype=zx.dtype), np.zeros_like(zx)
    for t in range(time):
        zh = h[t] @ W_h
        r, u = _sigmoid(zx[t, :, :H] + zh[:, :H]), _sigmoid(zx[t, :, H : 2 * H] + zh[:, H : 2 * H])
        n = np.tanh(zx[t, :, 2 * H :] + r * (zh[:, 2 * H :] + b_n))
        h[t + 1] = (1 - u) * n + u * h[t]
        gates[t] = np.concatenate([r, u, n], axis=1)
    return h, gates


def gru_backward(
    W_h: Array, b_n: Array, h: Array, gates: Array, dh: Array
) -> tuple[Array, Array, Array]:
    """Return d L / d zx, d L / d W_h and d L / d b_n from d L / d h `(T, B, H)`, backwards.

    dn = dh · (1 - u) · (1 - n²),   du = dh · (h_tm1 - n) · u · (1 - u),   dr = dn · m · r · (1 - r)
    dzh = (dr, du, dn · r),   dh_tm1 = dh · u + dzh W_hᵀ,   dW_h = Σ h_tm1ᵀ dzh,   db_n = Σ dn · r
    """
    time, H = len(gates), len(W_h)
    dzx, dW_h, db_n = np.zeros_like(gates), np.zeros_like(W_h), np.zeros_like(b_n)
    dh_next = np.zeros_like(h[0])
    for t in reversed(range(time)):
        r, u, n = np.split(gates[t], 3, axis=1)
        m = h[t] @ W_h[:, 2 * H :] + b_n
        dh_t = dh[t] + dh_next
        dn = dh_t * (1 - u) * (1 - n**2)
        du = dh_t * (h[t] - n) * u * (1 - u)
        dr = dn * m * r * (1 - r)
        dzx[t] = np.concatenate([dr, du, dn], axis=1)
        dzh = np.concatenate([dr, du, dn * r], axis=1)
        dh_next = dh_t * u + dzh @ W_h.T
        dW_h += h[t].T @ dzh
        db_n += (dn * r).sum(axis=0)
    return dzx, dW_h, db_n


def lstm_network_forward(
    weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32]
) -> Pass:
    """Run an LSTM over T characters from zero states: zx_t = W_x[x_t] + b, then the predictions.

    Shapes: x, y `(T, B)`, W_x `(V, 4H)`, W_h `(H, 4H)`, b `(4H,)`, W_hy `(H, V)`, b_y `(V,)`.
    """
    h, c, gates = lstm_forward(weights["W_x"][x] + weights["b"], weights["W_h"])
    return Pass(h, *_predict(weights, h[1:], y), (c, gates))


def lstm_network_backward(
    weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32], forward: Pass
) -> dict[str, Array]:
    """Return d L / d weight for every weight of the LSTM network."""
    c, gates = forward.inner
    dh, grads = _predict_backward(weights, forward, y)
    dzx, dW_h = lstm_backward(weights["W_h"], forward.h, c, gates, dh)
    dW_x = _read_backward(weights["W_x"], x, dzx)
    return {"W_x": dW_x, "W_h": dW_h, "b": dzx.sum(axis=(0, 1)), **grads}


def gru_network_forward(
    weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32]
) -> Pass:
    """Run a GRU over T characters from a zero state: zx_t = W_x[x_t] + b, then the predictions.

    Shapes: x, y `(T, B)`, W_x `(V, 3H)`, W_h `(H, 3H)`, b `(3H,)`, b_n `(H,)`, W_hy `(H, V)`.
    """
    h, gates = gru_forward(weights["W_x"][x] + weights["b"], weights["W_h"], weights["b_n"])
    return Pass(h, *_predict(weights, h[1:], y), (gates,))


def gru_network_backward(
    weights: Weights, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32], forward: Pass
) -> dict[str, Array]:
    """Return d L / d weight for every weight of the GRU network."""
    (gates,) = forward.inner
    dh, grads = _predict_backward(weights, forward, y)
    dzx, dW_h, db_n = gru_backward(weights["W_h"], weights["b_n"], forward.h, gates, dh)
    dW_x = _read_backward(weights["W_x"], x, dzx)
    return {"W_x": dW_x, "W_h": dW_h, "b": dzx.sum(axis=(0, 1)), "b_n": db_n, **grads}


NETWORKS = {
    "rnn": (rnn_forward, rnn_backward),
    "gru": (gru_network_forward, gru_network_backward),
    "lstm": (lstm_network_forward, lstm_network_backward),
}
"""Both passes of each network, by the name of its cell."""
