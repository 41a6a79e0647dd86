"""Initial weights as NumPy arrays; the random generator is always an argument."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


def glorot(rng: np.random.Generator, n_in: int, n_out: int, dtype: str = "float32") -> Array:
    """Draw a weight `(n_in, n_out)` that keeps the variance of signals and of gradients.

    W ~ N(0, 2 / (n_in + n_out)); Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks" (2010), equation 12.

    Example:
        >>> W = glorot(np.random.default_rng(0), 300, 200)
        >>> W.shape, W.dtype.name, round(float(W.var()), 4)
        ((300, 200), 'float32', 0.004)
    """
    scale = np.sqrt(2.0 / (n_in + n_out))
    W: Array = (rng.standard_normal((n_in, n_out)) * scale).astype(dtype)
    return W


def he(rng: np.random.Generator, n_in: int, n_out: int, dtype: str = "float32") -> Array:
    """Draw a weight `(n_in, n_out)` that keeps the variance of signals through relu.

    W ~ N(0, 2 / n_in); He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015), equation 10.

    Example:
        >>> W = he(np.random.default_rng(0), 300, 200)
        >>> W.shape, W.dtype.name, round(float(W.var()), 4)
        ((300, 200), 'float32', 0.0067)
    """
    W: Array = (rng.standard_normal((n_in, n_out)) * np.sqrt(2.0 / n_in)).astype(dtype)
    return W


def identity(n: int, dtype: str = "float32") -> Array:
    """Return the identity `(n, n)`: a relu network that starts by keeping its state.

    Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear units"
    (2015), section 3.

    Example:
        >>> identity(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(n, dtype=dtype)


def zeros(n: int, dtype: str = "float32") -> Array:
    """Return a bias `(n,)` of zeros.

    Example:
        >>> zeros(2).tolist()
        [0.0, 0.0]
    """
    return np.zeros(n, dtype=dtype)


def ones(n: int, dtype: str = "float32") -> Array:
    """Return a gain `(n,)` of ones.

    Example:
        >>> ones(2).tolist()
        [1.0, 1.0]
    """
    return np.ones(n, dtype=dtype)


def uniform(
    rng: np.random.Generator, n_in: int, n_out: int, dtype: str = "float32", limit: float = 0.05
) -> Array:
    """Draw an embedding `(n_in, n_out)` evenly from -limit to limit, as Keras does.

    Example:
        >>> E = uniform(np.random.default_rng(0), 20, 30)
        >>> E.shape, bool((abs(E) <= 0.05).all())
        ((20, 30), True)
    """
    E: Array = rng.uniform(-limit, limit, (n_in, n_out)).astype(dtype)
    return E


def lstm_bias(n: int, dtype: str = "float32") -> Array:
    """Return the bias `(4n,)` of an LSTM: 1 for the forget gate, which starts by keeping, else 0.

    Source: Jozefowicz, Zaremba and Sutskever, "An empirical exploration of recurrent network
    architectures" (2015), section 5.

    Example:
        >>> lstm_bias(1).tolist()
        [0.0, 1.0, 0.0, 0.0]
    """
    b = np.zeros(4 * n, dtype=dtype)
    b[n : 2 * n] = 1
    return b


def gaussian(rng: np.random.Generator, n_in: int, n_out: int, dtype: str = "float32") -> Array:
    """Draw a weight `(n_in, n_out)` of unit variance, whatever its size: W ~ N(0, 1).

    Between equal layers its largest singular value is about 2√n, and a loop through it explodes.

    Example:
        >>> W = gaussian(np.random.default_rng(0), 300, 200)
        >>> W.shape, W.dtype.name, round(float(W.std()), 2)
        ((300, 200), 'float32', 1.0)
    """
    W: Array = rng.standard_normal((n_in, n_out)).astype(dtype)
    return W


def orthogonal(rng: np.random.Generator, n: int, dtype: str = "float32") -> Array:
    """Draw a rotation or reflection `(n, n)`, evenly among all: it changes no vector's length.

    W = Q · sign(diag R) of a gaussian matrix A = QR. Saxe, McClelland and Ganguli, "Exact solutions
    to the nonlinear dynamics of learning in deep linear neural networks" (2014), section 3; the
    signs after Mezzadri, "How to generate random matrices from the classical compact groups"
    (2007), section 5.

    Example:
        >>> W = orthogonal(np.random.default_rng(0), 3, "float64")
        >>> (W @ W.T).round(12).tolist() == np.eye(3).tolist()
        True
    """
    Q, R = np.linalg.qr(rng.standard_normal((n, n)))
    W: Array = (Q * np.sign(np.diag(R))).astype(dtype)
    return W
