"""Checkpoint → text: the state is warmed by a prompt, then each character is drawn and fed back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graphrnn.backends import Function, Report, silent
from graphrnn.checkpoints import Checkpoint, load_checkpoint
from graphrnn.errors import UserError, reason
from graphrnn.functions import Network, share
from graphrnn.initial import Array
from graphrnn.models import model_named
from graphrnn.recipes import recipe_for
from graphrnn.settings import SampleSettings
from graphrnn.text import Indices, Vocabulary
from graphrnn.training import CHECKPOINT, sizes_of

import numpy as np
import numpy.typing as npt

LATEST = "latest"
"""The name of the newest run in runs/."""


def find_checkpoint(run: str) -> Path:
    """Find the checkpoint of a run: a folder, a checkpoint file, a name in runs/, or `latest`.

    Raises:
        UserError: there is none.
    """
    try:
        return _search(run, Path("runs"))
    except OSError as error:
        raise UserError(f"run {run!r}: {reason(error)}; name a folder of runs/") from error


def _search(run: str, runs: Path) -> Path:
    """Look for a run; see `find_checkpoint`."""
    if run == LATEST:
        found = sorted(runs.glob(f"*/{CHECKPOINT}"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise UserError("no trained network in runs/; train one first: graphrnn train")
        return found[-1]
    for path in (Path(run), runs / run):
        if path.is_dir() and (path / CHECKPOINT).is_file():
            return path / CHECKPOINT
        if path.is_file():
            return path
    raise UserError(
        f"run {run!r}: no such folder with a {CHECKPOINT} in it; name one of runs/, or {LATEST!r}"
    )


def probabilities(
    logits: Array, temperature: float = 1.0, top_k: int | None = None
) -> npt.NDArray[np.float64]:
    """Give the distribution that the next character is drawn from.

    p_k = exp(z_k / τ) / Σ_j exp(z_j / τ), over the K largest z only where K is given

    Shapes: logits z `(V,)`, result `(V,)`. The padding symbol at index 0 has probability 0.

    Raises:
        UserError: the logits are not finite.

    Example:
        >>> probabilities(np.array([9.0, 0.0, 0.0, -50.0])).round(3).tolist()
        [0.0, 0.5, 0.5, 0.0]
    """
    z = logits.astype(np.float64)
    if not np.isfinite(z).all():
        raise UserError(
            "network: its state left the finite numbers, so that it predicts nothing; "
            "write less at once, or train it longer or with a lower --rate"
        )
    z[0] = -np.inf
    with np.errstate(over="ignore"):  # -inf is what the coldest temperatures come to
        z = (z - z.max()) / temperature
    if top_k is not None and top_k < len(z) - 1:
        # By rank, so that a tie at the border cannot let more than K through.
        z[np.argsort(-z, kind="stable")[top_k:]] = -np.inf
    p: npt.NDArray[np.float64] = np.exp(z)
    p /= p.sum()
    return p


@dataclass
class Sampler:
    """A trained network that reads and writes one character at a time.

    A network that carries a state is given each character once. One that is laid out by hand for
    windows of one length has none: it is given the last `window` characters each time.
    """

    vocabulary: Vocabulary
    step: Function
    states: list[Array]
    window: int = 1
    lower_case: bool = False
    logits: Array | None = None
    recent: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    @classmethod
    def of(
        cls,
        checkpoint: Checkpoint,
        *,
        backend: str = "auto",
        threads: int | None = None,
        report: Report = silent,
    ) -> "Sampler":
        """Compile the step of a checkpoint's network.

        Raises:
            UserError: its weights do not fit its settings.
        """
        settings = checkpoint.header.settings
        model = model_named(settings.model)
        sizes = sizes_of(settings, len(checkpoint.vocabulary))
        got = {name: (w.shape, str(w.dtype)) for name, w in checkpoint.weights.items()}
        shapes = model.weight_shapes(sizes)
        needed = {name: (shape, settings.dtype) for name, shape in shapes.items()}
        if got != needed:
            wrong = sorted(
                name for name in got.keys() | needed.keys() if got.get(name) != needed.get(name)
            )
            raise UserError(
                f"checkpoint: {', '.join(wrong)} do not fit a vocabulary of {sizes.vocabulary} "
                f"and {sizes.hidden} hidden units; it was made from another vocabulary or changed"
            )
        weights = share(checkpoint.weights)
        network = Network(model, sizes, weights, backend=backend, threads=threads)
        widths = model.state_widths(sizes)
        window = 1 if widths else settings.time
        return cls(
            checkpoint.vocabulary,
            network.step(time=window, report=report),
            [np.zeros((1, width), dtype=settings.dtype) for width in widths.values()],
            window,
            recipe_for(settings.model).lower_case,
        )

    def reset(self) -> None:
        """Forget what was read."""
        self.states = [np.zeros_like(state) for state in self.states]
        self.recent = self.recent[:0]
        self.logits = None

    def read(self, text: str) -> None:
        """Let the network read a text, going on from its state.

        Raises:
            UserError: the text is empty, has characters that the network does not know, or is too
                short for one that reads whole windows.
        """
        if not text:
            raise UserError("text: got an empty one, needed at least one character to begin with")
        indices = self.vocabulary.encode(text.lower() if self.lower_case else text)
        if self.states:
            for index in indices:
                self._read(np.full((1, 1), index, dtype=np.int32))
            return
        self.recent = np.concatenate([self.recent, indices])[-self.window :]
        if len(self.recent) < self.window:
            raise UserError(
                f"text: got {len(self.recent)} characters, needed at least {self.window}, which "
                "this network reads at once; begin with a longer text"
            )
        self._read(self.recent[:, None])

    def _read(self, x: Indices) -> None:
        """Take one step with x `(window, 1)`."""
        logits, *self.states = self.step(x, *self.states)
        self.logits = logits[-1, 0]

    def next_characters(self, n: int) -> list[tuple[str, float]]:
        """Give the n likeliest next characters with their probabilities, the likeliest first."""
        p = probabilities(self._require_logits())
        order = np.argsort(-p, kind="stable")[: min(n, len(p) - 1)]
        return [(self.vocabulary.characters[k], float(p[k])) for k in order]

    def write(self, settings: SampleSettings) -> Iterator[str]:
        """Read the prompt, then draw characters and feed each back; gives them one by one.

        Raises:
            UserError: the prompt is empty or has characters that the network does not know.
        """
        rng = np.random.default_rng(settings.seed)
        self.read(settings.prompt)
        for _ in range(settings.length):
            logits = self._require_logits()
            if settings.greedy:
                index = int(np.argmax(probabilities(logits)))
            else:
                p = probabilities(logits, settings.temperature, settings.top_k)
                index = int(rng.choice(len(p), p=p))
            character = self.vocabulary.characters[index]
            yield character
            self.read(character)

    def _require_logits(self) -> Array:
        """Give the logits after what was read.

        Raises:
            UserError: nothing was read.
        """
        if self.logits is None:
            raise UserError("sampler: has read nothing yet; call read(text) first")
        return self.logits


def load_sampler(
    run: str, *, backend: str = "auto", threads: int | None = None, report: Report = silent
) -> Sampler:
    """Load a run's network for sampling.

    Raises:
        UserError: there is no such run, or its checkpoint cannot be used.
    """
    checkpoint = load_checkpoint(find_checkpoint(run))
    return Sampler.of(checkpoint, backend=backend, threads=threads, report=report)
