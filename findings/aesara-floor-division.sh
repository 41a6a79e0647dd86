#!/bin/sh
# aesara 2.9.4: x // 1 of floats is rewritten to x.
#
# The rewrite `local_intdiv_by_one` drops a floor division by 1, as is right for integers alone; it
# does not ask for the dtype. FAST_COMPILE has it too.
#
# Consequence: the whole part of a float, written so, keeps its fraction: 2.5 for 2.0.
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

X = np.array([2.5, -2.5])
x = at.dvector("x")
plain = aesara.function([x], x // 1, mode=Mode("py", None))(X)
rewritten = aesara.function([x], x // 1, mode="FAST_RUN")(X)

print("aesara", aesara.__version__)
print("x // 1 of", X.tolist())
print("not rewritten:      ", plain.tolist())
print("rewritten:          ", rewritten.tolist())
print("expected, by NumPy: ", (X // 1).tolist())
if not (np.array_equal(plain, X // 1) and np.array_equal(rewritten, X)):
    sys.exit("changed: x // 1 of floats is no longer rewritten to x")
print("as stated: x // 1 is x after rewriting")
END
