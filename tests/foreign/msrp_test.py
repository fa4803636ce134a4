"""Kamailio's MSRP module as the peer in the core, and as a relay before it: RFC 4975 and 4976. And
Wireshark, as a reader of what the gateway sends.

The UE and the peer behind the relay are ends of ours, which have nothing but the RFCs in common with
the gateway between them and Kamailio:

    UE ── T1 gateway T2 ── Kamailio          it answers every request for its session
    UE ── T1 gateway T2 ── Kamailio ── peer  it takes each request a hop further
"""

import contextlib
import glob
import hashlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from junit import main
from msrp_end import MsrpEnd

PATIENCE = 30  # Seconds; nothing waits that long when all is well.

# Loopback addresses of this process alone, so that tests can run side by side without a network of
# their own; there is only one for IPv6.
_SLOT = f"127.{150 + os.getpid() // 250 % 50}.{1 + os.getpid() % 250}"
HOSTS = {"IPv4": {"ue": f"{_SLOT}.1", "access": f"{_SLOT}.2", "core": f"{_SLOT}.3",
                  "kamailio": f"{_SLOT}.4", "peer": f"{_SLOT}.5"},
         "IPv6": dict.fromkeys(("ue", "access", "core", "kamailio", "peer"), "::1")}

SEND, REPORT = 0, 1  # Places in the gateway's counts of requests.

CONFIGURATION = """
#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=2
auto_aliases=no
tcp_accept_no_cl=yes
tcp_connection_lifetime=600
mpath="{modules}"
loadmodule "kex.so"
loadmodule "pv.so"
loadmodule "msrp.so"
{listen}
request_route {{ drop; }}
event_route[msrp:frame-in] {{
  if (msrp_is_reply()) {{
    # A response to SEND comes from the next hop only, and went further from here already.
    if ($msrp(nexthops) > 0) {{ msrp_relay(); }}
    exit;
  }}
  if ($msrp(nexthops) > 0) {{
    if ($msrp(method) == "SEND") {{ msrp_reply("200", "OK"); }}
    msrp_relay();
    exit;
  }}
  if ($msrp(sessid) == "kamailio") {{ msrp_reply("200", "OK"); }}
  else {{ msrp_reply("481", "No such session"); }}
}}
"""


def uri(scheme, host, port, session):
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/{session};tcp"


def listen_at(host):
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.settimeout(PATIENCE)
    return listener


def accept(listener):
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE)
    return connection


class Kamailio:
    """A context manager: it listens at `ports`, by IP version."""

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.ports = {}
        listen = []
        for version, hosts in HOSTS.items():
            # It cannot choose a port itself.
            with listen_at(hosts["kamailio"]) as listener:
                self.ports[version] = listener.getsockname()[1]
            host = f"[{hosts['kamailio']}]" if version == "IPv6" else hosts["kamailio"]
            listen.append(f"listen=tcp:{host}:{self.ports[version]}")
        with open(f"{folder}/kamailio.cfg", "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(modules=glob.glob("/usr/lib/*/kamailio/modules")[0] + "/",
                                            listen="\n".join(listen)).lstrip())
        self.log = self._stack.enter_context(open(f"{folder}/log", "w+", encoding="utf-8"))
        process = subprocess.Popen(["/usr/sbin/kamailio", "-DD", "-E", "-f", f"{folder}/kamailio.cfg",
                                    "-m", "16", "-M", "4", "-Y", folder],
                                   stdout=self.log, stderr=self.log, start_new_session=True)
        self._stack.callback(self._stop, process)
        try:
            for version, port in self.ports.items():
                self._wait_for(process, HOSTS[version]["kamailio"], port)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _wait_for(self, process, host, port):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection((host, port)).close()
                return
            except ConnectionRefusedError:
                self.log.seek(0)
                assert process.poll() is None and time.monotonic() < deadline, self.log.read()
                time.sleep(0.02)

    @staticmethod
    def _stop(process):
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            # Its children, which are its process group, should be gone by now.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class Gateway:
    """A stream through an application-aware gateway, the UE's end of it as `ue`."""

    def __init__(self, test, version, peer_path, remote):
        hosts = HOSTS[version]
        self._process = subprocess.Popen(
            ["agw-service/msrp/testing/msrp_gateway", hosts["access"], hosts["core"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        test.addCleanup(self._process.wait)
        test.addCleanup(self._process.kill)
        self.t1, self.t2 = (self._process.stdout.readline().strip() for _ in range(2))
        connection = socket.socket(socket.AF_INET6 if version == "IPv6" else socket.AF_INET)
        test.addCleanup(connection.close)
        connection.bind((hosts["ue"], 0))
        connection.settimeout(PATIENCE)
        path = uri("msrps", hosts["ue"], connection.getsockname()[1], "ue")
        self._process.stdin.write(f"{remote}\n{path}\n{' '.join(peer_path)}\n")
        self._process.stdin.flush()
        connection.connect((hosts["access"], int(self.t1.rpartition(":")[2])))
        last = peer_path[-1].rpartition("/")[2]
        self.ue = MsrpEnd(connection, path, [f"msrps://{self.t1}/{last}"])
        self.ue_at_t2 = f"msrp://{self.t2}/ue;tcp"

    def end(self):
        """Ends the stream at the UE; returns what was counted from it and from the core."""
        self.ue.connection.shutdown(socket.SHUT_WR)
        while self.ue.connection.recv(65536):
            pass
        counts = [json.loads(self._process.stdout.readline()) for _ in range(2)]
        assert self._process.wait(PATIENCE) == 0
        return counts


def read_with_wireshark(octets_of_messages):
    """What Wireshark sees of messages, each in a segment of its own: pairs of To-Path and From-Path."""
    port = 2855
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))  # IP packets follow.
        sequence_number = 1
        for number, octets in enumerate(octets_of_messages):
            segment = struct.pack("!HHIIBBHHH", 40000, port, sequence_number, 1, 0x50, 0x18, 65535, 0, 0) + octets
            packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), number, 0, 64, 6, 0,
                                 bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))) + segment
            file.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)
            sequence_number += len(octets)
        file.flush()
        output = subprocess.run(
            ["tshark", "-r", file.name, "-d", f"tcp.port=={port},msrp", "-Y", "msrp.end.line && !_ws.malformed",
             "-T", "fields", "-e", "msrp.to.path", "-e", "msrp.from.path"],
            check=True, capture_output=True, text=True, timeout=PATIENCE).stdout
    return [tuple(line.split("\t")) for line in output.splitlines()]


def message_headers(message_id, first, last, total, *more):
    return [f"Message-ID: {message_id}", f"Byte-Range: {first}-{last}/{total}", *more,
            "Content-Type: text/plain"]


class MsrpTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.kamailio = cls.enterClassContext(Kamailio())

    def _kamailio_uri(self, version, session):
        return uri("msrp", HOSTS[version]["kamailio"], self.kamailio.ports[version], session)

    def _kamailio_address(self, version):
        host = HOSTS[version]["kamailio"]
        return f"{f'[{host}]' if version == 'IPv6' else host}:{self.kamailio.ports[version]}"

    def test_R_AGW_31_kamailio_answers_the_UE_and_sees_its_own_path(self):
        for version in HOSTS:
            with self.subTest(version=version):
                path = [self._kamailio_uri(version, "kamailio")]
                gateway = Gateway(self, version, path, self._kamailio_address(version))
                ue = gateway.ue
                texts = [None, b"hello", b"\r\n-------not.its.id$\r\n", b"", b"x" * 8000]
                for number, text in enumerate(texts):
                    size = len(text or b"")
                    sent = ue.send("SEND", message_headers(number, 1, size, size), text)
                    response = ue.receive()
                    self.assertEqual((response.transaction_id, response.code), (sent, 200))
                    # Kamailio has these from the request, where they were its own and the UE's at T2.
                    self.assertEqual(response.from_path, ue.remote_path)
                    self.assertEqual(response.to_path, [ue.path])
                from_ue, from_core = gateway.end()
                self.assertEqual(from_ue["requests"][SEND], len(texts))
                self.assertEqual(from_core["responses"][0], len(texts))
                self.assertEqual((from_ue["not_addressed"], from_core["not_addressed"]), (0, 0))

    def test_kamailio_refuses_what_the_gateway_does_not_know(self):
        for version in HOSTS:
            with self.subTest(version=version):
                path = [self._kamailio_uri(version, "kamailio")]
                gateway = Gateway(self, version, path, self._kamailio_address(version))
                stray = [f"msrps://{gateway.t1}/somebody-else;tcp"]
                sent = gateway.ue.send("SEND", ["Message-ID: 1"], to_path=stray)
                response = gateway.ue.receive()
                self.assertEqual((response.transaction_id, response.code), (sent, 481))
                self.assertEqual((response.to_path, response.from_path), ([gateway.ue.path], stray))
                from_ue, from_core = gateway.end()
                self.assertEqual((from_ue["not_addressed"], from_core["not_addressed"]), (1, 1))

    def _behind_relay(self, version):
        """A stream with Kamailio before the peer, after the first SEND; and the peer."""
        listener = listen_at(HOSTS[version]["peer"])
        self.addCleanup(listener.close)
        peer_uri = uri("msrp", *listener.getsockname()[:2], "peer")
        relay = self._kamailio_uri(version, "relay")
        gateway = Gateway(self, version, [relay, peer_uri], self._kamailio_address(version))
        sent = gateway.ue.send("SEND", ["Message-ID: first"])
        self.assertEqual(gateway.ue.receive().transaction_id, sent)
        connection = accept(listener)
        self.addCleanup(connection.close)
        peer = MsrpEnd(connection, peer_uri, [relay, gateway.ue_at_t2])
        first = peer.receive()
        self.assertEqual((first.to_path, first.from_path), ([peer_uri], [relay, gateway.ue_at_t2]))
        peer.respond(first)
        return gateway, peer

    def _without_relay(self, version):
        """A stream to a peer that nobody is before; and the peer."""
        listener = listen_at(HOSTS[version]["peer"])
        self.addCleanup(listener.close)
        host, port = listener.getsockname()[:2]
        peer_uri = uri("msrp", host, port, "peer")
        gateway = Gateway(self, version, [peer_uri], f"{f'[{host}]' if version == 'IPv6' else host}:{port}")
        connection = accept(listener)
        self.addCleanup(connection.close)
        return gateway, MsrpEnd(connection, peer_uri, [gateway.ue_at_t2])

    def test_wireshark_reads_the_paths_of_each_message_that_comes_out(self):
        for version in HOSTS:
            with self.subTest(version=version):
                gateway, peer = self._without_relay(version)
                for sender, receiver in ((gateway.ue, peer), (peer, gateway.ue)):
                    requests = [sender.request("SEND", message_headers(n, 1, n, n), b"x" * n, "+$#"[n % 3])[0]
                                for n in range(20)]
                    requests.append(sender.request("REPORT", ["Message-ID: 1", "Status: 000 200 OK"])[0])
                    sender.connection.sendall(b"".join(requests))
                    messages = [receiver.receive_octets() for _ in requests]
                    self.assertEqual(read_with_wireshark(messages),
                                     [(receiver.path, receiver.remote_path[0])] * len(messages))

    def test_files_both_ways_at_once_by_ends_that_wait_for_no_response(self):
        chunk_size, chunk_count = 64 * 1024, 200
        for version in HOSTS:
            with self.subTest(version=version):
                gateway, peer = self._without_relay(version)
                # As if each chunk were followed by another message.
                content = random.Random(2).randbytes(chunk_size - 30) + b"\r\n-------no.end.of.it$\r\nMSRP "

                def send(end):
                    for number in range(chunk_count):
                        last = number + 1 == chunk_count
                        begin = number * len(content) + 1
                        end.send("SEND", message_headers("file", begin, begin + len(content) - 1, "*"), content,
                                 "$" if last else "+")

                senders = [threading.Thread(target=send, args=(end,)) for end in (gateway.ue, peer)]
                for sender in senders:
                    sender.start()
                received = {}

                def receive(end):
                    received[end] = [end.receive() for _ in range(chunk_count)]

                receivers = [threading.Thread(target=receive, args=(end,)) for end in (gateway.ue, peer)]
                for thread in receivers:
                    thread.start()
                for thread in senders + receivers:
                    thread.join(PATIENCE)
                for end in (gateway.ue, peer):
                    self.assertEqual([frame.body == content for frame in received[end]], [True] * chunk_count)
                    self.assertEqual({tuple(frame.to_path) for frame in received[end]}, {(end.path,)})
                    self.assertEqual([frame.flag for frame in received[end]], ["+"] * (chunk_count - 1) + ["$"])
                peer.connection.shutdown(socket.SHUT_WR)
                for counts in gateway.end():
                    self.assertEqual((counts["chunks"], counts["complete_messages"]), (chunk_count - 1, 1))

    def test_a_chat_both_ways_through_a_relay(self):
        for version in HOSTS:
            with self.subTest(version=version):
                gateway, peer = self._behind_relay(version)
                ue = gateway.ue
                for number in range(10):
                    text = f"message {number}".encode()
                    headers = message_headers(number, 1, len(text), len(text), "Success-Report: yes")
                    for sender, receiver in ((ue, peer), (peer, ue)):
                        sent = sender.send("SEND", headers, text)
                        # Of the relay, the next hop.
                        response = sender.receive()
                        self.assertEqual((response.transaction_id, response.code), (sent, 200))
                        request = receiver.receive()
                        self.assertEqual((request.method, request.body), ("SEND", text))
                        self.assertEqual(request.to_path, [receiver.path])
                        self.assertEqual(request.from_path, receiver.remote_path)
                        receiver.respond(request)
                        receiver.send("REPORT", [f"Message-ID: {number}",
                                                 f"Byte-Range: 1-{len(text)}/{len(text)}",
                                                 "Status: 000 200 OK"])
                        report = sender.receive()
                        self.assertEqual((report.method, report.body), ("REPORT", None))
                        self.assertEqual(report.headers["Message-ID"], str(number))
                        self.assertEqual(report.from_path, sender.remote_path)
                from_ue, from_core = gateway.end()
                for counts in (from_ue, from_core):
                    self.assertGreaterEqual(counts["requests"][SEND], 10)
                    self.assertEqual(counts["requests"][REPORT], 10)
                    self.assertGreaterEqual(counts["complete_messages"], 10)
                    self.assertEqual(counts["not_addressed"], 0)

    def test_a_file_through_a_relay(self):
        content = random.Random(1).randbytes(2_000_000)
        chunk_size = 2048
        for version in HOSTS:
            with self.subTest(version=version):
                gateway, peer = self._behind_relay(version)
                received, size, responses, chunks = hashlib.sha256(), 0, 0, 0
                for begin in range(0, len(content), chunk_size):
                    chunk = content[begin:begin + chunk_size]
                    last = begin + len(chunk) == len(content)
                    headers = message_headers("file", begin + 1, begin + len(chunk), len(content))
                    gateway.ue.send("SEND", headers, chunk, "$" if last else "+")
                    chunks += 1
                    frame = peer.receive()
                    received.update(frame.body)
                    size += len(frame.body)
                    peer.respond(frame)
                    responses += gateway.ue.receive().code == 200
                self.assertEqual((size, received.digest()), (len(content), hashlib.sha256(content).digest()))
                self.assertEqual(responses, chunks)
                from_ue, _ = gateway.end()
                self.assertEqual((from_ue["chunks"], from_ue["complete_messages"]), (chunks - 1, 2))


if __name__ == "__main__":
    main()
