#!/bin/sh
# Makes the project's own environment in .venv: `scripts/environment.sh [extra]`, from the top folder.
#
# Aesara needs CPython 3.11 or 3.12 and a system may carry any python3, or one without the C headers
# that compiling needs. So uv makes the environment: from PATH, else as a wheel in a private environment.
set -eu

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 2; }

# The preferred one first: on 3.12 all works but stock Aesara's scan (--backend aesara with a loop).
# Where the system has neither, uv brings the preferred one.
python_version=3.11
python_versions="$python_version 3.12"
extra=${1-}

if [ -z "${CXX-}" ] && ! command -v g++ >/dev/null 2>&1 && ! command -v clang++ >/dev/null 2>&1; then
    fail "no C++ compiler (g++ or clang++) on PATH: install one with 'sudo apt install g++' (Debian, Ubuntu), 'sudo dnf install gcc-c++' (Fedora) or 'xcode-select --install' (macOS)"
fi

if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    uv=.uv/bin/uv
    if ! "$uv" --version >/dev/null 2>&1; then
        command -v python3 >/dev/null 2>&1 ||
            fail "no python3 and no uv on PATH: install either one (any python3 will do)"
        say "fetching uv, which makes the environment ..."
        rm -rf .uv
        python3 -m venv .uv >/dev/null 2>&1 ||
            fail "python3 cannot make an environment here: install its venv module ('sudo apt install python3-venv' on Debian and Ubuntu) or uv"
        .uv/bin/python -m pip install --quiet --disable-pip-version-check uv ||
            fail "could not install uv with pip (its message is above): check the network, or install uv yourself"
    fi
fi

has_headers() {
    "$1" -c 'import os, sysconfig as s; raise SystemExit(not os.path.exists(os.path.join(s.get_path("include"), "Python.h")))' 2>/dev/null
}

# The system's own, the preferred one first; its headers are what stock Aesara compiles with.
system_python() {
    for version in $python_versions; do
        found=$("$uv" python find --system "$version" 2>/dev/null || true)
        if [ -n "$found" ] && has_headers "$found"; then
            printf '%s\n' "$found"
            return
        fi
    done
}

if ! .venv/bin/python -c "import sys; raise SystemExit('%d.%d' % sys.version_info[:2] not in '$python_versions'.split())" 2>/dev/null; then
    rm -rf .venv
    python=$(system_python)
    if [ -n "$python" ]; then
        say "making .venv with $python ..."
        "$uv" venv --quiet --python "$python" .venv
    else
        say "making .venv with a Python $python_version of its own ..."
        "$uv" venv --quiet --managed-python --python "$python_version" .venv ||
            fail "no Python $python_version with C headers was found, and uv could not bring one (its message is above): install python$python_version and python$python_version-dev, or check the network"
    fi
fi

say "installing graphrnn and the libraries it needs into .venv ..."
# Bytecode is made now, or the first run would compile some thousand modules while a person waits.
"$uv" pip install --quiet --compile-bytecode --python .venv/bin/python --constraint scripts/constraints.txt \
    --build-constraint scripts/constraints.txt --editable ".${extra:+[$extra]}" ||
    fail "could not install the libraries (uv's message is above): check the network and try again"
