#!/bin/sh
# pytensor 3.0.7: max along an axis gives each of several equal elements the whole gradient.
#
# Of x stacked on itself the largest along the new axis is x, whose slope is 1. The gradient is 2,
# which is that of no function of x, and no subgradient either. `maximum(x, x)` of the same version
# has 1. JAX, and amax of PyTorch, part the gradient among equals. aesara 2.9.4 does as PyTensor.
#
# Consequence: max-pooling over equal values, zeros behind a relu above all, scales a gradient by how
# many there are. Not reported upstream as far as known.
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

X = np.array([0.5, -3.0])
x = pt.dvector("x")
graphs = {
    "max(stack([x, x]), axis=0)": pt.max(pt.stack([x, x]), axis=0),
    "min(stack([x, x, x]), axis=0)": pt.min(pt.stack([x, x, x]), axis=0),
    "maximum(x, x)": pt.maximum(x, x),
}
got = {
    name: pytensor.function([x], pytensor.grad(y.sum(), x), mode=Mode("py", None))(X)
    for name, y in graphs.items()
}

print("pytensor", pytensor.__version__)
for name, slope in got.items():
    print(f"gradient of {name:<32}{slope.tolist()}, expected [1.0, 1.0]")
if [slope.tolist() for slope in got.values()] != [[2.0, 2.0], [3.0, 3.0], [1.0, 1.0]]:
    sys.exit("changed: equal elements no longer have the whole gradient each")
print("as stated: the gradient is counted once for each equal element")
END
