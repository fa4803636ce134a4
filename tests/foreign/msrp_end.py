"""An MSRP end (RFC 4975) for tests, on a connected socket. It has its framing from nowhere else."""

import collections
import contextlib
import itertools
import re
import select
import ssl

Frame = collections.namedtuple("Frame", "transaction_id method code to_path from_path headers body flag")

_HEAD = re.compile(rb"MSRP (\S{4,32}) (?:([A-Z]+)|(\d{3})(?: [^\r\n]*)?)\r\n")


class MsrpEnd:
    """`path` is its own URI; `remote_path` what it was told of the far end, as a list."""

    def __init__(self, connection, path, remote_path):
        self.connection, self.path, self.remote_path = connection, path, remote_path
        self._received = b""
        self._numbers = itertools.count(1)

    def request(self, method, headers=(), body=None, flag="$", to_path=None):
        """Octets of a request, and its transaction id."""
        transaction_id = f"{id(self):x}.{next(self._numbers)}"
        lines = [f"MSRP {transaction_id} {method}", f"To-Path: {' '.join(to_path or self.remote_path)}",
                 f"From-Path: {self.path}", *headers]
        octets = "".join(line + "\r\n" for line in lines).encode()
        if body is not None:
            octets += b"\r\n" + body + b"\r\n"
        return octets + f"-------{transaction_id}{flag}\r\n".encode(), transaction_id

    def send(self, *arguments, **keywords):
        """Sends a request; returns its transaction id."""
        octets, transaction_id = self.request(*arguments, **keywords)
        self.connection.sendall(octets)
        return transaction_id

    def respond(self, frame, status="200 OK"):
        """Answers a request: to the previous hop only if it is a SEND (RFC 4975 clause 7.2)."""
        to_path = frame.from_path[:1] if frame.method == "SEND" else frame.from_path
        self.connection.sendall("".join(line + "\r\n" for line in (
            f"MSRP {frame.transaction_id} {status}", f"To-Path: {' '.join(to_path)}",
            f"From-Path: {self.path}", f"-------{frame.transaction_id}$")).encode())

    def receive(self):
        """The next request or response."""
        return self._receive(self._take_frame)

    def receive_octets(self):
        """The octets of the next request or response."""
        return self._receive(self._take_octets)

    def exchange(self, octets, frame_count):
        """Sends `octets` while so many requests and responses come, which it returns."""
        frames, left = [], memoryview(octets)
        timeout = self.connection.gettimeout()
        self.connection.setblocking(False)
        while left or len(frames) < frame_count:
            select.select([self.connection], [self.connection] if left else [], [], timeout)
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                left = left[self.connection.send(left[:16384]):] if left else left
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._received += self.connection.recv(65536)
            while frame := self._take_frame():
                frames.append(frame)
        self.connection.settimeout(timeout)
        return frames

    def _receive(self, take):
        while not (taken := take()):
            octets = self.connection.recv(65536)
            if not octets:
                raise EOFError(f"the connection ended behind {self._received!r}")
            self._received += octets
        return taken

    def _take_octets(self):
        before = self._received
        return before[:len(before) - len(self._received)] if self._take_frame() else None

    def _take_frame(self):
        if b"\r\n" not in self._received:
            return None
        start = _HEAD.match(self._received)
        if not start:
            raise ValueError(f"no start line: {self._received[:200]!r}")
        end_line = re.compile(rb"\r\n-------" + re.escape(start[1]) + rb"([+$#])\r\n")
        # The line end before it may be that of the last header.
        end = end_line.search(self._received, start.end() - 2)
        if not end:
            return None
        transaction_id, method, code = (part and part.decode() for part in start.groups())
        content, flag = self._received[start.end():end.start() + 2], end[1].decode()
        self._received = self._received[end.end():]
        head, blank_line, body = (b"\r\n" + content).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().strip("\r\n").split("\r\n"))
        return Frame(transaction_id, method, code and int(code), headers.pop("To-Path").split(" "),
                     headers.pop("From-Path").split(" "), headers,
                     body.removesuffix(b"\r\n") if blank_line and body else None, flag)
