#!/bin/sh
# safetensors 0.8.0: save() of a NumPy array in column-major order loads as other values.
#
# safetensors.numpy takes the memory of the array as it is and notes its shape, as if the memory were
# row by row. A transposed array (x.T), or one made by asfortranarray, comes back with its elements in
# another order. The docstring asks for "contiguous and dense" arrays, which these are; nothing is
# checked. safetensors 0.7.0 wrote them right.
#
# Consequence: a checkpoint with a transposed weight matrix loads without a word, with wrong weights.
# graphrnn makes each array row-major before it is saved.
#
# Seen upstream: safetensors/safetensors#825.
set -eu

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (sys.version_info >= (3, 11)))' || {
    echo "NumPy 2.4.6 needs Python 3.11 or later: set PYTHON to one" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    safetensors==0.8.0 numpy==2.4.6 || exit 2

"$folder/venv/bin/python" -W ignore - <<'END'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

rows = np.arange(6.0).reshape(2, 3)
columns = np.asfortranarray(rows)
loaded = {name: load(save({"W": W}))["W"] for name, W in (("rows", rows), ("columns", columns))}

print("safetensors", safetensors.__version__)
print("saved:                   ", columns.tolist(), "(equal arrays)" * np.array_equal(rows, columns))
print("loaded, row-major:       ", loaded["rows"].tolist())
print("loaded, column-major:    ", loaded["columns"].tolist())
print("expected of both:        ", rows.tolist())
in_memory = rows.T.reshape(2, 3)
if not (np.array_equal(loaded["rows"], rows) and np.array_equal(loaded["columns"], in_memory)):
    sys.exit("changed: column-major arrays no longer load in the order of their memory")
print("as stated: the column-major array is loaded in the order of its memory")
END
