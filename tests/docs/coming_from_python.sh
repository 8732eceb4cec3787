#!/bin/sh
# Runs coming_from_python.py where there is a Python.
if ! command -v python3 >/dev/null; then
    echo "SKIPPED: there is no python3 here to compare docs/coming-from-python.md with"
    exit 77
fi
exec python3 "$(dirname "$0")/coming_from_python.py" "$@"
