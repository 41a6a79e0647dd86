"""`python -m graphrnn` is the command `graphrnn`."""

from graphrnn.cli.app import main

if __name__ == "__main__":
    main()
