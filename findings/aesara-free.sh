#!/bin/sh
# aesara 2.9.4: Function.free() with allow_gc=False erases the shared variables that are read.
#
# free() is there to give back the memory of intermediate results, which allow_gc=False keeps between
# calls. It sets every stored value to None but for constants; a shared variable is stored there
# like any intermediate result.
#
# Consequence: after a call that is to save memory the weights are gone: get_value() is None.
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
AESARA_FLAGS="cxx=,allow_gc=False,blas__ldflags=,base_compiledir=$folder/compiled"
export AESARA_FLAGS
"$folder/venv/bin/python" -W ignore - <<'END'
import logging
import sys

logging.disable(logging.WARNING)
import aesara
import aesara.tensor as at
import numpy as np

x = at.dvector("x")
weights = aesara.shared(np.array([1.0, 2.0]), name="weights")
scaled = aesara.function([x], x * weights)
before = scaled(np.array([3.0, 4.0])).tolist()
scaled.free()
after = weights.get_value()

print("aesara", aesara.__version__, "with allow_gc =", aesara.config.allow_gc)
print("x * weights, before free():", before)
print("weights after free():      ", after)
print("expected:                   [1. 2.]")
if not (before == [3.0, 8.0] and after is None):
    sys.exit("changed: shared variables outlive free()")
print("as stated: free() has erased a shared variable")
END
