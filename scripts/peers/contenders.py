"""Who takes part: one line each, with the environment and the file that it runs in."""

import os
from dataclasses import dataclass
from pathlib import Path

from graphrnn import user_cache

OURS = "graphrnn"
"""The name of the one that all others are held against."""

ENVIRONMENTS = {"ours": Path(".venv/bin/python"), "peers": Path(".venv-peers/bin/python")}


@dataclass(frozen=True)
class Contender:
    """One way to do the same work.

    Attributes:
        longest: The T up to which it takes part; what is written out step by step builds for
            minutes where T is large, and what NumPy steps is slow.
    """

    name: str
    environment: str
    module: str
    variant: str
    longest: int = 10**9

    def environ(self, threads: int, cache: Path | None = None) -> dict[str, str]:
        """Return the environment of its process; what it compiles is kept in `cache`."""
        kept = cache or user_cache.cache_folder() / "peers"
        variables = {name: value for name, value in os.environ.items() if "GRAPHRNN_" not in name}
        names = ("OMP", "MKL", "OPENBLAS", "NUMBA")
        variables |= {f"{name}_NUM_THREADS": str(threads) for name in names}
        variables |= {
            "KERAS_BACKEND": self.variant if self.module == "keras_peer" else "torch",
            "KERAS_HOME": str(kept / "keras"),
            "TORCHINDUCTOR_CACHE_DIR": str(kept / "inductor"),
            "PYTENSOR_FLAGS": f"floatX=float32,base_compiledir={kept / 'pytensor'}",
            "JAX_PLATFORMS": "cpu",
        }
        if self.variant == "stock":
            variables["AESARA_FLAGS"] = f"floatX=float32,base_compiledir={kept / 'aesara'}"
        else:
            variables["AESARA_FLAGS"] = os.environ.get("GRAPHRNN_USER_AESARA_FLAGS", "")
        if cache is not None:
            variables["XDG_CACHE_HOME"] = str(cache)
        return variables


CONTENDERS = (
    Contender(OURS, "ours", "graphrnn_peer", "native:scan"),
    Contender("graphrnn, unrolled", "ours", "graphrnn_peer", "native:unrolled", longest=8),
    Contender("graphrnn, by 4", "ours", "graphrnn_peer", "native:4"),
    Contender("graphrnn --backend aesara", "ours", "graphrnn_peer", "aesara:scan"),
    Contender("graphrnn --backend python", "ours", "graphrnn_peer", "python:scan", longest=8),
    Contender("PyTorch", "peers", "torch_peer", "eager"),
    Contender("PyTorch, torch.compile", "peers", "torch_peer", "compile"),
    Contender("JAX", "peers", "jax_peer", "scan"),
    Contender("Keras on PyTorch", "peers", "keras_peer", "torch"),
    Contender("Keras on JAX", "peers", "keras_peer", "jax"),
    Contender("PyTensor, Numba", "peers", "theano_peer", "numba"),
    Contender("PyTensor, C", "peers", "theano_peer", "c"),
    Contender("stock Aesara", "ours", "theano_peer", "stock"),
)
BY_NAME = {contender.name: contender for contender in CONTENDERS}
