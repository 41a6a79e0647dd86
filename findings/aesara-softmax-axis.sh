#!/bin/sh
# aesara 2.9.4: exp(x) / exp(x).sum(axis=1) of a square matrix is rewritten to softmax over axis 1.
#
# Without keepdims the sums of the rows are a vector, which broadcasts along the other axis: element
# (i, j) is divided by the sum of row j. The softmax divides by the sum of row i. The rewrite does not
# ask which axis the sums stand beside; FAST_COMPILE has it too.
#
# Consequence: whoever forgets keepdims=True gets the function that was meant, not the one that is
# written; the same line elsewhere (NumPy, or with the rewrite left out) gives other numbers.
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
from aesara.compile.mode import Mode

X = np.log([[1.0, 3.0], [2.0, 8.0]])
x = at.dmatrix("x")
y = at.exp(x) / at.exp(x).sum(axis=1)
plain = aesara.function([x], y, mode=Mode("py", None))(X)
rewritten = aesara.function([x], y, mode="FAST_RUN")(X)
wanted = np.exp(X) / np.exp(X).sum(axis=1)
softmax = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)

print("aesara", aesara.__version__)
print("not rewritten:      ", plain.round(3).tolist())
print("rewritten:          ", rewritten.round(3).tolist())
print("expected, by NumPy: ", wanted.round(3).tolist())
if not (np.allclose(plain, wanted) and np.allclose(rewritten, softmax)):
    sys.exit("changed: the rewritten graph is no longer the softmax over axis 1")
print("as stated: the rewritten graph is the softmax over axis 1, another function")
END
