#!/bin/sh
# run_python.sh FILE: runs it with Debian's Python, which has gRPC, and the stubs made by the build.
PYTHONPATH="$PWD/tests/foreign"
export PYTHONPATH
set -- /usr/bin/python3 -B "$@"
# Filtering SYNs, and making networks, takes CAP_NET_ADMIN. Who is not root has it in a network namespace
# of his own.
if [ "$(id -u)" != 0 ] && unshare --user --map-root-user --net true 2>/dev/null; then
  exec unshare --user --map-root-user --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
fi
exec "$@"
