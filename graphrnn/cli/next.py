"""`graphrnn next`: the likeliest next characters after a text."""

from typing import Annotated

from graphrnn import toolchain
from graphrnn.cli.options import Length, ThreadCount

from cyclopts import Parameter


def next(  # noqa: A001
    run: str,
    text: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    count: Length = 5,
    backend: str = "auto",
    threads: ThreadCount = None,
) -> None:
    """Show the likeliest next characters after a text, with their probabilities.

    Args:
        run: Folder of the run, its name in runs/, or "latest".
        text: What the network reads first.
        count: How many characters to show.
        backend: What runs the graph: auto, native, aesara or python.
        threads: Threads to run on; by default OMP_NUM_THREADS, else one for each processor.
    """
    toolchain.start_aesara()
    from graphrnn.sampling.sampler import load_sampler

    sampler = load_sampler(run, backend=backend, threads=threads)
    sampler.read(text)
    for character, probability in sampler.next_characters(count):
        print(f"{character!r:<6} {probability:6.1%}")
