"""Hosts in network namespaces, joined to one in the middle, and a capture of what passes there."""

import collections
import contextlib
import ctypes
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
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise OSError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")


class Network:
    """A context manager: "agw" in the middle, with a wire of its own to each of the other hosts.

    `hosts` maps a name to the addresses of the middle and of the host, with prefix length, for each
    family: {"b": [("10.99.1.1/24", "10.99.1.2/24")]}.
    """

    def __init__(self, hosts):
        self._hosts = hosts
        self._prefix = f"iqgate-{os.getpid()}-"
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            for name in ["agw", *self._hosts]:
                ip("netns", "add", self._prefix + name)
                self._stack.callback(ip, "netns", "del", self._prefix + name)
            middle = self._prefix + "agw"
            ip("-n", middle, "link", "set", "lo", "up")
            for name, addresses in self._hosts.items():
                host, wire = self._prefix + name, "to-" + name
                ip("-n", middle, "link", "add", "name", wire, "type", "veth",
                   "peer", "name", "eth0", "netns", host)
                for middle_address, host_address in addresses:
                    ip("-n", middle, "address", "add", middle_address, "dev", wire, "nodad")
                    ip("-n", host, "address", "add", host_address, "dev", "eth0", "nodad")
                ip("-n", middle, "link", "set", wire, "up")
                ip("-n", host, "link", "set", "eth0", "up")
                for middle_address, _ in addresses:
                    ip("-n", host, "route", "add", "default", "via", middle_address.split("/")[0])
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def enter(self, name):
        """Moves the calling thread, and the threads and processes it starts, to a host."""
        with open(f"/run/netns/{self._prefix}{name}", encoding="ascii") as file:
            if _LIBC.setns(file.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def socket_of(self, name, family, kind=socket.SOCK_STREAM, protocol=0):
        """A socket of a host; the calling thread stays with "agw"."""
        self.enter(name)
        try:
            return socket.socket(family, kind, protocol)
        finally:
            self.enter("agw")


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
