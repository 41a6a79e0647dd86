"""Times writing: one compiled scan against a loop in Python over the compiled step.

Run it as `.venv/bin/python -m scripts.bench_sampling`, with nothing else running. Both write the
same characters from the same numbers, in turns; the figures are medians.
"""

import time as clock
from statistics import median

from graphrnn.data.text import Vocabulary
from graphrnn.display.terminal import console
from graphrnn.models.from_settings import network_of
from graphrnn.sampling.sampler import Sampler
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings

import numpy as np

SYMBOLS, TURNS = 86, 7
ROWS = (("theano_rnn", 256, 2000), ("stateful_lstm", 512, 500))


def made(model: str, hidden: int) -> Sampler:
    """Build a network as it is drawn, its state carried: it writes nonsense, and takes as long."""
    settings = TrainSettings(model=model, hidden=hidden)
    vocabulary = Vocabulary.of("".join(chr(33 + k) for k in range(SYMBOLS - 1)))
    network = network_of(settings, SYMBOLS, np.random.default_rng(0))
    return Sampler.of_network(network, settings, vocabulary, state="carried")


def speeds(sampler: Sampler, length: int, count: int) -> tuple[float, float]:
    """Return characters a second of the scan, all texts together, and of the loop in Python."""
    settings = SampleSettings(prompt="A", length=length, count=count)
    scanned, stepped = [], []
    for turn in range(TURNS + 1):
        sampler.reset()
        began = clock.perf_counter()
        texts = sampler.texts(settings)
        middle = clock.perf_counter()
        sampler.reset()
        text = "".join(sampler.write_by_steps(settings))
        if count == 1 and [text] != texts:
            raise SystemExit("the two wrote different texts")
        if turn:  # the first compiles
            scanned.append(middle - began)
            stepped.append(clock.perf_counter() - middle)
    return count * length / median(scanned), length / median(stepped)


def main() -> None:
    """Time all rows and print them as Markdown."""
    print_ = console().print
    print_("| network | texts | one scan (characters/s) | a loop over steps | ratio |")
    print_("|---|---|---|---|---|")
    for model, hidden, length in ROWS:
        sampler = made(model, hidden)
        for count in (1, 16):
            scan, steps = speeds(sampler, length, count)
            print_(
                f"| `{model}`, H={hidden} | {count} | {scan:,.0f} | {steps:,.0f} "
                f"| {scan / steps:.1f} |"
            )


if __name__ == "__main__":
    main()
