#!/bin/sh
# aesara 2.9.4: scan(..., n_steps=1, go_backwards=True) reads the first element, not the last.
#
# Two steps backwards read the last element and the one before. For one step no loop is made: the step
# is applied to element 0, whichever way the loop goes. No rewrite is needed for it.
#
# Consequence: the backward half of a bidirectional network, cut to one step, reads the wrong end of
# the text.
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

X = np.array([1.0, 2.0, 3.0])
x = at.dvector("x")


def backwards(steps):
    y, _ = aesara.scan(lambda v: 10 * v, sequences=[x], n_steps=steps, go_backwards=True)
    return aesara.function([x], y, mode="FAST_COMPILE")(X).tolist()


one, two = backwards(1), backwards(2)
wanted = [10 * X[::-1][:steps] for steps in (1, 2)]

print("aesara", aesara.__version__)
print("10 * v, backwards over", X.tolist())
print("two steps:", two, " expected, by NumPy:", wanted[1].tolist())
print("one step: ", one, " expected, by NumPy:", wanted[0].tolist())
if not (two == wanted[1].tolist() and one == [10.0]):
    sys.exit("changed: one step backwards no longer reads the first element")
print("as stated: one step backwards reads the first element")
END
