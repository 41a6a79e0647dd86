"""`graphrnn doctor`: what was found on this machine."""

from graphrnn import toolchain


def doctor() -> None:
    """Say what was found on this machine: interpreter, libraries, compiler, BLAS, cache."""
    toolchain.start_aesara()
    from graphrnn.backends.compile import silent
    from graphrnn.cli.findings import findings
    from graphrnn.display.terminal import Display, console

    with Display(console(stderr=True)) as display:
        rows = findings(display.built if display.live else silent)  # a pipe is kept clean
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
