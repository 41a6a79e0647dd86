#!/bin/sh
# Makes the peers' environment in .venv-peers: PyTorch, and Keras on top of it. Run it from the top
# folder, after scripts/environment.sh.
#
# They need another NumPy than Aesara, so they get an environment of their own. It is filled by pip
# and not by uv, so that what the user has set for pip (PIP_INDEX_URL and its like) decides which
# build of PyTorch comes: where none is set, Linux gets the one with CUDA, which is large.
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

say "installing PyTorch and Keras into .venv-peers ..."
"$peers" -m pip install --quiet --disable-pip-version-check \
    --constraint scripts/constraints-peers.txt torch keras ||
    fail "could not install the peers (pip's message is above): check the network and try again"
