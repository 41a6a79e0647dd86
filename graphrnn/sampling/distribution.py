"""What the next character is drawn from, and by which numbers."""

from graphrnn.data.text import Indices
from graphrnn.errors import UserError
from graphrnn.graph.initial import Array
from graphrnn.sampling.scan_sampler import allowed_in

import numpy as np
import numpy.typing as npt


def probabilities(
    logits: Array,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> npt.NDArray[np.float64]:
    """Return the distribution that the next character is drawn from.

    p_k = exp(z_k / τ) / Σ_j exp(z_j / τ), over what top-k and top-p let through

    Shapes: logits z `(V,)`, result `(V,)`. The padding symbol at index 0 has probability 0.

    Raises:
        UserError: the logits are not finite.

    Example:
        >>> probabilities(np.array([9.0, 0.0, 0.0, -50.0])).round(3).tolist()
        [0.0, 0.5, 0.5, 0.0]
    """
    z = finite(logits).astype(np.float64)
    z[0] = -np.inf
    with np.errstate(over="ignore"):  # -inf is what the coldest temperatures come to
        scaled = (z - z.max()) / temperature
    scaled[~allowed_in(z, temperature, top_k, top_p)] = -np.inf
    p: npt.NDArray[np.float64] = np.exp(scaled)
    p /= p.sum()
    return p


def finite(logits: Array) -> Array:
    """Return the logits, if they say anything.

    Raises:
        UserError: they are not finite.
    """
    if not np.isfinite(logits).all():
        raise UserError(
            "network: its state left the finite numbers, so that it predicts nothing; "
            "write less at once, or train it longer or with a lower --learning-rate"
        )
    return logits


def draws_of(seed: int, prompt: Indices) -> list[int]:
    """Return what the draws begin from: each prompt has draws of its own, at one seed too.

    Two texts that are drawn by the same numbers run together once their last characters are equal.

    Example:
        >>> draws_of(7, np.array([3, 1], dtype=np.int32))
        [7, 3, 1]
    """
    return [seed, *(int(index) for index in prompt)]
