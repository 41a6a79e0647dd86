"""The lesson's networks written once more, from their equations in NumPy: (weights, x) → logits.

`w` holds the weights and, where there is dropout, the masks; states begin at zero.
"""

import numpy as np


def relu(z):
    return np.maximum(z, 0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def output(w, states):
    return np.stack(states) @ w["W_hy"] + w["b_y"]


def by_hand(w, x, activation):
    h = None
    for x_t in x:
        green = relu(w["E"][x_t] @ w["W_xh"] + w["b_xh"])
        h = green if h is None else green + activation(h @ w["W_hh"] + w["b_hh"])
    return output(w, [h])


def simple(w, x, read):
    h, states = 0.0, []
    for x_t in x:
        h = relu(read(x_t) @ w["W_xh"] + (h @ w["W_hh"] if states else 0) + w["b_h"])
        states.append(h)
    return states


def embedded(w, x):
    return simple(w, x, lambda x_t: w["E"][x_t])


def one_hot(w, x):
    return simple(w, x, lambda x_t: np.eye(len(w["W_xh"]))[x_t])


def zeros(w, x):
    h, states = np.zeros((x.shape[1], len(w["W_hh"]))), []
    for x_t in x:
        h = relu(w["E"][x_t] @ w["W_xh"] + w["b_xh"]) + relu(h @ w["W_hh"] + w["b_hh"])
        states.append(h)
    return output(w, states)


def gru(w, x, read, activation):
    """With the reset gate before the product; weights by gate, or cut out of the joined ones."""
    H = len(w["W_hy"])
    if "W_x" in w:
        for k, gate in enumerate("run"):
            block = slice(k * H, (k + 1) * H)
            gates = {"W_x": w["W_x"][:, block], "W_h": w["W_h"][:, block], "b_": w["b"][block]}
            w = w | {f"{kind}{gate}": value for kind, value in gates.items()}
    h, states = np.zeros((x.shape[1], H)), []
    for x_t in x:
        c = read(x_t)
        r = sigmoid(c @ w["W_xr"] + h @ w["W_hr"] + w["b_r"])
        u = sigmoid(c @ w["W_xu"] + h @ w["W_hu"] + w["b_u"])
        n = activation(c @ w["W_xn"] + (r * h) @ w["W_hn"] + w["b_n"])
        h = (1 - u) * n + u * h
        states.append(h)
    return output(w, states)


def theano_gru(w, x):
    symbols = len(w["W_x" if "W_x" in w else "W_xr"])
    return gru(w, x, lambda x_t: np.eye(symbols)[x_t], np.tanh)


def gru_reset_behind(w, x):
    H = len(w["W_hy"])
    h, states = np.zeros((x.shape[1], H)), []
    for x_t in x:
        zx, zh = w["W_x"][x_t] + w["b"], h @ w["W_h"]
        r, u = (sigmoid((zx + zh)[:, k * H : (k + 1) * H]) for k in range(2))
        n = np.tanh(zx[:, 2 * H :] + r * (zh[:, 2 * H :] + w["b_n"]))
        h = (1 - u) * n + u * h
        states.append(h)
    return output(w, states)


def lstm(zx, W_h, keep=1.0, h=None, c=None):
    H = len(W_h)
    h = np.zeros((zx.shape[1], H)) if h is None else h
    c = np.zeros_like(h) if c is None else c
    states = []
    for zx_t in zx:
        z = zx_t + (h * keep) @ W_h
        i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states), c


def stateful_lstm(w, x, h=None, c=None):
    """As it learns: normalised by the batch."""
    e = w["E"][x]
    mean, variance = e.mean(axis=(0, 1)), e.var(axis=(0, 1))
    e = (e - mean) / np.sqrt(variance + 1e-5) * w["gain"] + w["shift"]
    return output(w, list(lstm(e @ w["W_x"] + w["b"], w["W_h"], h=h, c=c)[0]))


def stacked_lstm(w, x):
    h, k = w["E"][x], 0
    while f"W_x_{k}" in w:
        zx = (h * w[f"mask_W_{k}"]) @ w[f"W_x_{k}"] + w[f"b_{k}"]
        h = lstm(zx, w[f"W_h_{k}"], w[f"mask_U_{k}"])[0] * w[f"mask_{k}"]
        k += 1
    return output(w, list(h))


LOGITS = {
    "three_char": lambda w, x: by_hand(w, x, np.tanh),
    "eight_char": lambda w, x: by_hand(w, x, relu),
    "rnn": lambda w, x: output(w, embedded(w, x)[-1:]),
    "rnn_zeros": zeros,
    "rnn_sequences": lambda w, x: output(w, embedded(w, x)),
    "rnn_onehot": lambda w, x: output(w, one_hot(w, x)),
    "stateful_lstm": stateful_lstm,
    "gru": lambda w, x: gru(w, x, lambda x_t: w["E"][x_t], relu),
    "theano_rnn": lambda w, x: output(w, one_hot(w, x)),
    "theano_gru": theano_gru,
    "theano_gru_fused": theano_gru,
    "reference": lambda w, x: output(w, one_hot(w, x)),
    "reference_gru": gru_reset_behind,
    "reference_lstm": lambda w, x: output(w, list(lstm(w["W_x"][x] + w["b"], w["W_h"])[0])),
    "stacked_lstm": stacked_lstm,
}


def loss(name, w, x, y):
    """Sum over the predictions, mean over the batch, in nats; and the share that is right."""
    z = LOGITS[name](w, x)
    y = y[-len(z) :]
    log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    right = np.take_along_axis(log_p, y[..., None].astype("int64"), axis=-1)
    return -right.sum() / y.shape[1], (z.argmax(axis=-1) == y).mean()
