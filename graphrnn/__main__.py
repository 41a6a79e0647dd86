"""`python -m graphrnn` is the command `graphrnn`."""

import sys

try:
    from graphrnn.cli import main

    main()
except KeyboardInterrupt:
    sys.exit(130)
