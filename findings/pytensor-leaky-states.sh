#!/bin/sh
# pytensor 3.0.7: a loop with two leaky states gets the first one's gradient for both.
#
# Two states begin at the same zero; one keeps 0.9 of itself each step, the other 0.5. In the loop of
# the gradient the rewrite `scan_merge_inouts` takes the two for one, since both begin alike there.
# The gradient is right before rewriting.
#
# Consequence: a network with two time scales trains on a wrong gradient, and nothing is said.
#
# Seen upstream in another form (states of two loops): pymc-devs/pytensor#2252.
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

X, Z = np.arange(4.0), np.ones(4)


def step(x_t, z_t, a, b):
    a, b = 0.9 * a + x_t, 0.5 * b + z_t
    return a, b, a + b


def written_out():
    """The same loop and its chain rule in NumPy: d[t] is what h[t] adds to the sum of h[t]^2."""
    a, b, d = 0.0, 0.0, []
    for x_t, z_t in zip(X, Z):
        a, b, h = step(x_t, z_t, a, b)
        d.append(2 * h)
    return [[sum(k ** (n - t) * d[n] for n in range(t, 4)) for t in range(4)] for k in (0.9, 0.5)]


x, z = (pt.tensor(name, dtype="float64", shape=(4,)) for name in "xz")
zero = pt.constant(np.float64(0))
_, _, h = pytensor.scan(step, [x, z], [zero, zero, None], return_updates=False)
gradients = pytensor.grad((h**2).sum(), [x, z])
got = {
    name: np.round(pytensor.function([x, z], gradients, mode=mode)(X, Z), 4)
    for name, mode in (
        ("not rewritten", Mode("py", None)),
        ("rewritten", Mode("py", "fast_run")),
        ("without scan_merge_inouts", Mode("py", "fast_run").excluding("scan_merge_inouts")),
    )
}
wanted = np.round(written_out(), 4)

print("pytensor", pytensor.__version__)
print(f"{'gradient by z':<27}{'first':>9}{'second':>9}{'third':>9}{'fourth':>9}")
for name, (_, dz) in {"expected, by NumPy": wanted, **got}.items():
    print(f"{name:<27}" + "".join(f"{v:9.4f}" for v in dz))
wrong = got.pop("rewritten")
stands = all(np.allclose(g, wanted) for g in got.values())
if not (stands and np.array_equal(wrong[1], wrong[0]) and not np.allclose(wrong[1], wanted[1])):
    sys.exit("changed: the two states no longer share one gradient after rewriting")
print("as stated: after rewriting the second state has the first one's gradient")
END
