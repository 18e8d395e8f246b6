#!/bin/sh
# Makes .venv with what requirements/ pins: `environment.sh run` or `environment.sh dev`.
# Needs a Python of 3.11 or later and a package index; installs nothing outside the folder,
# except Debian's python3-venv where it is missing and we are root.
set -eu

level=$1
python=${PYTHON:-python3}

fail() {
    echo "jiaozi: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "no $python found; install Python 3.11 or later (Debian: apt-get install python3)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; Jiaozi needs Python 3.11 or later (set PYTHON=/path/to/python3.11)"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "jiaozi: installing Debian's python3-venv, which Python needs to make an environment" >&2
        (apt-get update -qq && apt-get install -y -qq python3-venv) >/dev/null 2>&1 ||
            fail "python3-venv is missing and could not be installed; run: apt-get install python3-venv"
    else
        fail "Python's venv module is missing; run: sudo apt-get install python3-venv"
    fi
fi

echo "jiaozi: setting up .venv ($level)" >&2
[ -x .venv/bin/python ] || "$python" -m venv .venv
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r requirements/bootstrap.txt ||
    fail "the package index could not be reached; see the lines above"
# uv brings its own certificates; behind a proxy only the system's are known.
uv_pip() {
    VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip "$@" 2>.venv/uv.log ||
        VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip "$@" --system-certs 2>.venv/uv.log ||
        { cat .venv/uv.log >&2; fail "the environment could not be made; see the lines above"; }
}

uv_pip sync --quiet --require-hashes requirements/bootstrap.txt requirements/build.txt "requirements/$level.txt"
uv_pip install --quiet --no-deps --no-build-isolation --editable .
