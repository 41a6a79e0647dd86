#!/bin/sh
# aesara 2.9.4: two loops that end at conditions written alike become one that ends at the first's.
#
# Each scan ends where its own sequence exceeds 2.5. The rewrite `scan_merge` compares the two
# conditions as formulas of the step, without asking which sequences they read, and joins the loops
# where both have the same number of steps at most.
#
# Consequence: the second loop stops where the first one does: its result has another length, and its
# last value is not the one that met the condition.
#
# PyTensor had the same: pymc-devs/pytensor#509, mended by pymc-devs/pytensor#510.
set -eu

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (sys.version_info[:2] == (3, 11)))' || {
    echo "Aesara 2.9.4 needs Python 3.11: set PYTHON to one" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    aesara==2.9.4 numpy==1.26.4 scipy==1.12.0 setuptools==73.0.1 || exit 2

# Nothing is compiled as C++: graphs run in Python.
AESARA_FLAGS="cxx=,blas__ldflags=,base_compiledir=$folder/compiled"
export AESARA_FLAGS
"$folder/venv/bin/python" -W ignore - <<'END'
import logging
import sys

logging.disable(logging.WARNING)
import aesara
import aesara.tensor as at
import numpy as np
from aesara.scan.utils import until

A, B = np.array([1.0, 3.0, 1.0, 1.0]), np.array([1.0, 1.0, 1.0, 3.0])


def loop(x):
    y, _ = aesara.scan(lambda v: (1.5 * v, until(v > 2.5)), sequences=[x], n_steps=4)
    return y


def written_out(x):
    return (1.5 * x[: 1 + np.argmax(x > 2.5)]).tolist()


a, b = at.dvector("a"), at.dvector("b")
results = [loop(a), loop(b)]
plain, rewritten = (
    [y.tolist() for y in aesara.function([a, b], results, mode=mode)(A, B)]
    for mode in ("FAST_COMPILE", "FAST_RUN")
)
wanted = [written_out(A), written_out(B)]

print("aesara", aesara.__version__)
print("FAST_COMPILE:       ", *plain)
print("FAST_RUN:           ", *rewritten)
print("expected, by NumPy: ", *wanted)
if not (plain == wanted and rewritten == [wanted[0], wanted[1][:2]]):
    sys.exit("changed: the two loops are no longer merged")
print("as stated: after rewriting the second loop ends where the first one does")
END
