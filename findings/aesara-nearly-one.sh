#!/bin/sh
# aesara 2.9.4: log(1 + x + 1e-8) is -inf at x = -1 after rewriting, for -18.42.
#
# Constants are joined first, to 1.00000001. The rewrite `local_log1p` then takes every constant near
# 1 for exactly 1 and makes log1p(x) of it, so that the small term is lost.
#
# Consequence: a small term that keeps a logarithm finite is dropped where it is needed: the loss is
# infinite, though the graph guards against it.
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

X = np.array([-1.0, 0.0])
x = at.dvector("x")
y = at.log(1 + x + 1e-8)
plain = aesara.function([x], y, mode="FAST_COMPILE")(X)
rewritten = aesara.function([x], y, mode="FAST_RUN")(X)
wanted = np.log(1 + X + 1e-8)

print("aesara", aesara.__version__)
print("log(1 + x + 1e-8) at x =", X[0])
print("FAST_COMPILE:       ", round(plain[0], 4))
print("FAST_RUN:           ", rewritten[0])
print("expected, by NumPy: ", round(wanted[0], 4))
if not (np.allclose(plain, wanted) and rewritten[0] == -np.inf):
    sys.exit("changed: the small term is no longer lost")
print("as stated: the small term is lost after rewriting")
END
