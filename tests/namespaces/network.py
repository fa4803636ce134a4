"""Hosts in network namespaces, joined to one in the middle, and a capture of what passes there."""

import collections
import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess
import threading
import time

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 3
_LIBC = ctypes.CDLL(None, use_errno=True)

SYN, ACK = 0x02, 0x10

# `incoming`: at the middle. `flags`: of TCP, or None for an ICMP message.
Packet = collections.namedtuple("Packet", "incoming source source_port target target_port flags")


def ip(*arguments):
    """Runs ip(8) on the host the calling thread is on; returns what it prints."""
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise OSError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout


def why_not():
    """Why there can be no `Network` here, or None."""
    result = subprocess.run(
        ["unshare", "--net", "ip", "link", "add", "name", "x", "type", "veth", "peer", "name", "y"],
        capture_output=True, text=True, check=False)
    return result.stderr.strip() if result.returncode != 0 else None


class Network:
    """A context manager: "agw" in the middle, with a wire of its own to each of the other hosts. The
    calling thread is at "agw" inside it.

    `hosts` maps a name to the addresses of the middle and of the host, with prefix length, for each
    family: {"b": [("10.99.1.1/24", "10.99.1.2/24")]}.

    The namespaces have no names, so nothing has to be mounted, and they end with the process.
    """

    def __init__(self, hosts):
        self._hosts = hosts
        self._stack = contextlib.ExitStack()
        self._namespaces = {}

    def __enter__(self):
        try:
            before = self._open_own_namespace()
            self._stack.callback(_setns, before)
            for name in ["agw", *self._hosts]:
                if _LIBC.unshare(_CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "unshare")
                self._namespaces[name] = self._open_own_namespace()
            self.enter("agw")
            ip("link", "set", "lo", "up")
            for name, addresses in self._hosts.items():
                wire = "to-" + name
                ip("link", "add", "name", wire, "type", "veth", "peer", "name", "eth0",
                   "netns", f"/proc/{os.getpid()}/fd/{self._namespaces[name].fileno()}")
                for middle_address, _ in addresses:
                    ip("address", "add", middle_address, "dev", wire, "nodad")
                ip("link", "set", wire, "up")
                with self.at(name):
                    for _, host_address in addresses:
                        ip("address", "add", host_address, "dev", "eth0", "nodad")
                    ip("link", "set", "eth0", "up")
                    for middle_address, _ in addresses:
                        ip("route", "add", "default", "via", middle_address.split("/")[0])
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _open_own_namespace(self):
        return self._stack.enter_context(open("/proc/thread-self/ns/net", "rb"))

    def enter(self, name):
        """Moves the calling thread, and the threads and processes it starts, to a host."""
        _setns(self._namespaces[name])

    @contextlib.contextmanager
    def at(self, name):
        """The calling thread is at a host inside it, and at "agw" again afterwards."""
        self.enter(name)
        try:
            yield
        finally:
            self.enter("agw")

    def cut(self, name):
        """The host vanishes: what is sent to it is lost from now on, and nobody is told."""
        with self.at(name):
            [device] = json.loads(ip("-json", "link", "show", "dev", "eth0"))
            # Frames to the old link address are somebody else's.
            ip("link", "set", "eth0", "address", "02:00:00:00:00:ff")
        for _, host_address in self._hosts[name]:
            # Without a permanent entry the loss would be noticed as an unreachable host.
            ip("neighbour", "replace", host_address.split("/")[0], "lladdr", device["address"],
               "dev", "to-" + name, "nud", "permanent")

    def socket_of(self, name, family, kind=socket.SOCK_STREAM, protocol=0):
        """A socket of a host; the calling thread stays with "agw"."""
        with self.at(name):
            return socket.socket(family, kind, protocol)


class Capture:
    """What passes at "agw", in order. Start it in a thread that is there."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._changed = threading.Condition()
        self._packets = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            data, address = self._socket.recvfrom(65536)
            if address[0] == "lo":
                continue
            packet = _parse(data, address[1], incoming=address[2] != socket.PACKET_OUTGOING)
            if packet:
                with self._changed:
                    self._packets.append(packet)
                    self._changed.notify_all()

    def packets(self):
        with self._changed:
            return list(self._packets)

    def wait_for(self, condition, count=1, timeout=20):
        """Waits for `count` packets that fulfil `condition`."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while sum(map(condition, self._packets)) < count:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError("not on the wire in time; seen:\n" +
                                         "\n".join(map(str, self._packets)))


def _setns(namespace):
    if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _parse(data, protocol, incoming):
    if protocol == 0x0800:
        header_size = (data[0] & 15) * 4
        kind, family, addresses = data[9], socket.AF_INET, (data[12:16], data[16:20])
    elif protocol == 0x86DD:
        header_size = 40
        kind, family, addresses = data[6], socket.AF_INET6, (data[8:24], data[24:40])
    else:
        return None
    source, target = (socket.inet_ntop(family, address) for address in addresses)
    payload = data[header_size:]
    if kind == socket.IPPROTO_TCP:
        source_port, target_port = struct.unpack("!HH", payload[:4])
        return Packet(incoming, source, source_port, target, target_port, payload[13])
    # Errors only: neighbour and listener discovery are none.
    if kind == socket.IPPROTO_ICMP or (kind == socket.IPPROTO_ICMPV6 and payload[0] < 128):
        return Packet(incoming, source, 0, target, 0, None)
    return None
