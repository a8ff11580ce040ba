# Sourced by the other scripts: makes a virtual environment in the checkout and installs vae-jax into it, once.
# usage: . scripts/environment.sh DIRECTORY EXTRAS [PYTHON]     e.g. . scripts/environment.sh .venv "" python3

# A Python by its name, such as python3.13: on the PATH, or one that pyenv keeps.
find_python() {
    local name=$1 kept
    if [ -n "$name" ] && ! "$name" -c '' 2>/dev/null; then
        for kept in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"${name#python}"*/bin/"$name"; do
            [ -x "$kept" ] && name=$kept
        done
    fi
    "$name" -c '' 2>/dev/null && echo "$name"
}

make_environment() {
    local directory=$1 extras=$2 python=${3:-}
    if [ -z "$python" ]; then
        for candidate in python3 python3.13 python3.12 python3.11 python; do
            if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
                python=$candidate
                break
            fi
        done
    fi
    local asked=$python
    python=$(find_python "$python") || true
    if [ -z "$python" ]; then
        echo "expected ${asked:-Python 3.11 or newer}; found none on the PATH; install one, from your system or python.org" >&2
        exit 2
    fi
    # What was installed is remembered by a file, so that the second time takes no time.
    local wanted installed="$directory/.installed"
    wanted=$("$python" --version; echo "$extras"; cat pyproject.toml)
    if [ ! -f "$installed" ] || [ "$(cat "$installed")" != "$wanted" ]; then
        echo "installing into $directory with $("$python" --version) ..."
        rm -rf "$directory"
        if ! "$python" -m venv "$directory"; then
            echo "expected '$python -m venv' to work; on Debian and Ubuntu: apt-get install python3-venv" >&2
            exit 2
        fi
        "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".$extras"
        echo "$wanted" >"$installed"
    fi
}
