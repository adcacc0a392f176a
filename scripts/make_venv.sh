#!/usr/bin/env bash
# Makes the virtual environment FOLDER, with PYTHON or with the first Python on the path that will do.
# An environment that is there stays, unless it was made with another version than the PYTHON asked for.
#
#   scripts/make_venv.sh FOLDER [PYTHON]

set -euo pipefail
folder=$1
asked=${2:-}

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Tried by running it: a name on the path may be a shim for a Python that is not installed.
will_do() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if [[ -x $folder/bin/python ]] && will_do "$folder/bin/python"; then
    if [[ -z $asked || $(version "$asked") == "$(version "$folder/bin/python")" ]]; then
        exit 0
    fi
fi

for python in ${asked:-python3.11 python3.12 python3.13 python3}; do
    if will_do "$python"; then
        echo "making $folder with Python $(version "$python")"
        exec "$python" -m venv --clear "$folder"
    fi
done

if [[ -n $asked ]]; then
    echo "error: PYTHON=$asked is no Python 3.11 or newer with the venv module" >&2
else
    echo "error: no Python 3.11 or newer with the venv module is on the path" >&2
fi
echo "  fix: install one (on Debian: apt-get install python3 python3-venv), or say PYTHON=/path/to/python" >&2
exit 1
