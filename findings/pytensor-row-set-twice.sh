#!/bin/sh
# pytensor 3.0.7: a value that set_subtensor writes and then overwrites has a gradient.
#
# `b[i].set(v)` with a place named twice keeps the last value, as NumPy's assignment does. The
# gradient of v is read from the result at every place of i, so the value that was overwritten gets
# the slope of the one that is there. Nothing is rewritten here; aesara 2.9.4 does the same.
#
# Consequence: a parameter without any influence is trained. Not reported upstream as far as known.
set -eu

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (sys.version_info >= (3, 11)))' || {
    echo "PyTensor 3.0.7 needs Python 3.11 or later: set PYTHON to one" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    pytensor==3.0.7 numpy==2.4.6 || exit 2

# Nothing is compiled as C++: graphs run in Python.
PYTENSOR_FLAGS="cxx=,base_compiledir=$folder/compiled"
export PYTENSOR_FLAGS
"$folder/venv/bin/python" -W ignore - <<'END'
import sys

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

V, PLACES = np.array([0.3, -1.2, 0.7]), np.array([1, 3, 1])


def loss(v):
    b = np.zeros(4)
    b[PLACES] = v
    return np.sin(b).sum()


v = pt.dvector("v")
b = pt.set_subtensor(pt.zeros(4)[PLACES], v)
slope = pytensor.grad(pt.sin(b).sum(), v)
got = pytensor.function([v], slope, mode=Mode("py", None))(V)
steps = 1e-6 * np.eye(3)
wanted = np.array([(loss(V + h) - loss(V - h)) / 2e-6 for h in steps])

print("pytensor", pytensor.__version__)
print("b[[1, 3, 1]] = v, and the gradient of sin(b) by v")
print("value of b:             ", pytensor.function([v], b, mode=Mode("py", None))(V).tolist())
print("gradient:               ", np.round(got, 4).tolist())
print("by finite differences:  ", np.round(wanted, 4).tolist())
if not (np.allclose(got[1:], wanted[1:]) and np.isclose(got[0], np.cos(V[2])) and wanted[0] == 0):
    sys.exit("changed: what is overwritten no longer has the gradient of what is there")
print("as stated: v[0] is overwritten, and has a gradient")
END
