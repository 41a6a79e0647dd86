#!/bin/sh
# Makes the peers' environment in .venv-peers: PyTorch, Keras, JAX, PyTensor and Numba. Run it from
# the top folder, after scripts/environment.sh.
#
# They need another NumPy than Aesara, so they get an environment of their own. It is filled by pip
# and not by uv, so that what the user has set for pip (PIP_INDEX_URL and its like) decides which
# build of PyTorch comes: where none is set, Linux gets the one with CUDA, which is large. Each is
# installed by itself: one that cannot be is named, and the rest is there all the same.
set -eu

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 2; }

peers=.venv-peers/bin/python
uv=uv
command -v uv >/dev/null 2>&1 || uv=.uv/bin/uv

if ! "$peers" -m pip --version >/dev/null 2>&1; then
    rm -rf .venv-peers
    say "making .venv-peers ..."
    "$uv" venv --quiet --seed --python .venv/bin/python .venv-peers ||
        fail "could not make .venv-peers (uv's message is above): run scripts/environment.sh first"
fi

installed=
for peer in torch keras jax pytensor; do
    say "installing $peer into .venv-peers ..."
    if "$peers" -m pip install --quiet --disable-pip-version-check \
        --constraint scripts/constraints-peers.txt "$peer"; then
        installed="$installed $peer"
    else
        say "could not install $peer (pip's message is above): it will be listed as absent"
    fi
done
[ -n "$installed" ] || fail "none of the peers could be installed: check the network and try again"
