"""A name server for the pods of a test, in the place of a cluster's: A records of a zone that the test answers for."""

import socket
import struct
import threading

_IP_FREEBIND = 15
_A = 1


class NameServer:
    """Answers at `address`, port 53, UDP, on a thread of its own. `lookup(name)` returns IPv4 addresses, or None if there is no
    such name. The address may come to the host later."""

    def __init__(self, address, lookup):
        self._lookup = lookup
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        self._socket.bind((address, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, client = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query):
        # RFC 1035 section 4.1: a header of 12 octets, then the labels of the name, its type and its class.
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii").lower())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        addresses = self._lookup(".".join(labels))
        records = [b"\xc0\x0c" + struct.pack("!HHIH", _A, 1, 0, 4) + socket.inet_aton(address)
                   for address in (addresses or []) if kind == _A]
        # An authoritative answer; code 3 says that there is no such name.
        flags = 0x8580 | (3 if addresses is None else 0)
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question + b"".join(records)
