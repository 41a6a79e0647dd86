"""`graphrnn models`: the lesson's ladder of networks."""


def models() -> None:
    """List the networks, with the lesson's section that each comes from."""
    from graphrnn import toolchain

    toolchain.start_aesara()
    from graphrnn.display.terminal import console, models_table

    console().print(models_table())
