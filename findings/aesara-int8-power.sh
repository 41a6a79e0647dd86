#!/bin/sh
# aesara 2.9.4: x ** 2.0 of int8 squares in int8 after rewriting: 16.0 for 10000.0.
#
# The power of an int8 and a float is a float32. The rewrite `local_pow_specialize` makes it the
# square of x, in x's own dtype, and casts afterwards, when the value has wrapped. Here the rewrite
# that fuses elementwise operations is left out, since what it makes does not wrap when it runs in
# Python; compiled as C++ it does (seen with g++).
#
# Consequence: squares of quantized values and of one-byte codes are wrong, in the dtype that was
# expected.
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
from aesara.compile.mode import Mode, get_mode

X = np.array([100, 3], dtype="int8")
x = at.bvector("x")
plain = aesara.function([x], x**2.0, mode=Mode("py", None))(X)
rewritten = aesara.function([x], x**2.0, mode=get_mode("FAST_RUN").excluding("fusion"))(X)
wanted = X.astype("float32") ** 2

print("aesara", aesara.__version__)
print("x ** 2.0 of int8", X.tolist())
print("not rewritten:     ", plain.dtype, plain.tolist())
print("rewritten:         ", rewritten.dtype, rewritten.tolist())
print("expected, by NumPy:", wanted.dtype, wanted.tolist())
if not (np.array_equal(plain, wanted) and rewritten.tolist() == [16.0, 9.0]):
    sys.exit("changed: x ** 2.0 of int8 no longer wraps after rewriting")
print("as stated: the square wraps in int8 after rewriting")
END
