"""`graphrnn next`: the likeliest next characters after a text."""

import sys
from typing import Annotated

from graphrnn import toolchain
from graphrnn.cli.options import Length, ThreadCount
from graphrnn.settings.sampling import CheckpointChoice, StateUse

from cyclopts import Parameter


def next(  # noqa: A001
    run: str,
    text: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    count: Length = 5,
    checkpoint: CheckpointChoice = "best",
    state: StateUse = "as-trained",
    model: str | None = None,
    trust: bool = False,
    backend: str = "auto",
    threads: ThreadCount = None,
) -> None:
    """Show the likeliest next characters after a text, with their probabilities.

    Args:
        run: Folder of the run, its name in runs/, or "latest".
        text: What the network reads first.
        count: How many characters to show.
        checkpoint: The network of the lowest held-out loss (best), or the newest (last).
        state: What the network sees of the text: its last characters (windows), or all of it by a
            state that goes on (carried); by default what it was trained on.
        model: The file of your own that defines the network of this run, as my_net.py:MODEL.
        trust: Run the copy of that file which the run keeps instead: it is a program.
        backend: What runs the graph: auto, native, aesara or python.
        threads: Threads to run on; by default OMP_NUM_THREADS, else one for each processor.
    """
    toolchain.start_aesara()
    from graphrnn.sampling.trust import admit_model

    admit_model(run, model=model, trust=trust)
    from graphrnn.sampling.sampler import load_sampler

    sampler = load_sampler(
        run, checkpoint=checkpoint, state=state, backend=backend, threads=threads
    )
    sampler.read(text)
    sys.stderr.write(f"graphrnn: {sampler.trained}; {sampler.described}\n")
    for character, probability in sampler.next_characters(count):
        print(f"{character!r:<6} {probability:6.1%}")
