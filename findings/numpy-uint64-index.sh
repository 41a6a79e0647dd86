#!/bin/sh
# numpy 1.26.4 (and 2.4.6): an index array of uint64 with 2**64 - 1 reads the last element.
#
# Index arrays are cast to int64 without a check of their values, so that 2**64 - 1 becomes -1. A
# single position of that value is refused, and so is the array in `take`.
#
# Consequence: a position that ran below zero in unsigned arithmetic (0 - 1) reads an element from the
# end, where an IndexError would show the mistake.
#
# Seen upstream: numpy/numpy#23607.
set -eu

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not ((3, 9) <= sys.version_info[:2] <= (3, 12)))' || {
    echo "NumPy 1.26.4 needs Python 3.9 to 3.12: set PYTHON to one" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    numpy==1.26.4 || exit 2

"$folder/venv/bin/python" -W ignore - <<'END'
import sys

import numpy as np

x = np.arange(5)
positions = np.array([0], dtype="uint64") - np.uint64(1)


def result(read):
    try:
        return str(read())
    except (IndexError, OverflowError, TypeError) as error:
        return type(error).__name__


indexed, taken = result(lambda: x[positions]), result(lambda: np.take(x, positions))

print("numpy", np.__version__)
print("positions:         ", positions, positions.dtype)
print("x[positions]:      ", indexed, " expected: IndexError")
print("take(x, positions):", taken)
if (indexed, taken) != ("[4]", "TypeError"):
    sys.exit("changed: the position is no longer taken for -1")
print("as stated: the last element is read")
END
