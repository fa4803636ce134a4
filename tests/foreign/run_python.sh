#!/bin/sh
# run_python.sh FILE: runs it with Debian's Python, which has gRPC, and the stubs made by the build.
PYTHONPATH="$PWD/tests/foreign"
export PYTHONPATH
exec /usr/bin/python3 -B "$@"
