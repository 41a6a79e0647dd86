#!/bin/sh
# scipy 1.17.1: softmax and log_softmax of unsigned integers wrap: NaN and -inf for [3, 1].
#
# Both subtract the largest element before exp, in the dtype of the input: in uint8, 1 - 3 is 254, and
# its exponential overflows. Small signed integers wrap in the same way when they are far apart
# (100 and -30 of int8). logsumexp casts first and is right.
#
# Consequence: the softmax of counts, or of quantized scores, is not a distribution; a warning from
# NumPy about an overflow is all that is said.
#
# Seen upstream, in CuPy's tests against it: cupy/cupy#6823.
set -eu

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (sys.version_info >= (3, 11)))' || {
    echo "SciPy 1.17.1 needs Python 3.11 or later: set PYTHON to one" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    scipy==1.17.1 numpy==2.4.6 || exit 2

"$folder/venv/bin/python" -W ignore - <<'END'
import sys

import numpy as np
import scipy
from scipy.special import log_softmax, logsumexp, softmax

x = np.array([3, 1], dtype="uint8")
got, logs = softmax(x), log_softmax(x)
wanted = np.exp(x.astype(float)) / np.exp(x.astype(float)).sum()

print("scipy", scipy.__version__)
print("x:             ", x, x.dtype)
print("softmax(x):    ", got, " expected:", wanted.round(4))
print("log_softmax(x):", logs, " expected:", np.log(wanted).round(4))
print("exp(x - logsumexp(x)):", np.exp(x - logsumexp(x)).round(4))
if not (np.isnan(got).any() and np.isneginf(logs).all()):
    sys.exit("changed: unsigned integers no longer wrap")
print("as stated: the difference wraps, and the result is no distribution")
END
