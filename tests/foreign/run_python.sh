#!/bin/sh
# run_python.sh FILE: runs it with Debian's Python, which has gRPC, and the stubs made by the build. In a
# network namespace of its own, as common/testing/own_network.cc does for programs.
PYTHONPATH="$PWD/tests/foreign"
export PYTHONPATH
set -- /usr/bin/python3 -B "$@"
own="unshare --net"
[ "$(id -u)" = 0 ] || own="$own --user --map-root-user"
if $own ip link set lo up 2>/dev/null; then
  exec $own sh -c 'ip link set lo up && exec "$@"' sh "$@"
fi
exec "$@"
