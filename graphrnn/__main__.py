"""`python -m graphrnn` is the command `graphrnn`."""

from graphrnn.cli import main

main()
