"""Application-aware MSRP with Kamailio's MSRP module as the peer in the core, and as a relay before it: RFC
4975 and 4976. And with Wireshark, as a reader of what the IMS-AGW sends.

The UE and the peer behind the relay are ends of ours, which have nothing but the RFCs in common with the
IMS-AGW between them and Kamailio:

    UE ══ T1 IMS-AGW T2 ── Kamailio          it answers every request for its session
    UE ══ T1 IMS-AGW T2 ── Kamailio ── peer  it takes each request a hop further
"""

import concurrent.futures
import contextlib
import glob
import hashlib
import itertools
import os
import random
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import grpc
from ims.iq.v1 import (
    media_gateway_service_pb2 as messages, media_gateway_service_pb2_grpc, termination_pb2 as iq)
from junit import main
from msrp_end import MsrpEnd
from service_processes import PATIENCE, Certificate, Services, start_tls, wait_until

# Loopback addresses of this process alone, so that tests can run side by side without a network of
# their own; there is only one for IPv6.
_SLOT = f"127.{150 + os.getpid() // 250 % 50}.{1 + os.getpid() % 250}"
HOSTS = {"IPv4": {"ue": f"{_SLOT}.1", "access": f"{_SLOT}.2", "core": f"{_SLOT}.3",
                  "kamailio": f"{_SLOT}.4", "peer": f"{_SLOT}.5"},
         "IPv6": dict.fromkeys(("ue", "access", "core", "kamailio", "peer"), "::1")}

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


class Stream:
    """An application-aware stream of the IMS-AGW, set up over Iq; the UE's end of it is `ue`."""

    _numbers = itertools.count(1)

    def __init__(self, test, version, peer_path, core_port, core_host):
        self._services, self._counted = test.services, {}
        hosts = HOSTS[version]
        channel = test.enterContext(grpc.insecure_channel(f"127.0.0.1:{test.services.agw_ports['iq_port']}"))
        self._iq = media_gateway_service_pb2_grpc.MediaGatewayServiceStub(channel)
        self._context_id = f"msrp-{next(self._numbers)}"
        family = f"ADDRESS_FAMILY_{version.upper()}"
        t1 = self._iq.ReserveConnectionPoint(messages.ReserveConnectionPointRequest(
            termination=self._termination("SIDE_ACCESS"), transaction_id="1",
            local=iq.LocalDescriptor(address_family=family, transport_protocol="TRANSPORT_PROTOCOL_TCP_TLS_MSRP",
                                     setup_mode="SETUP_MODE_ACTPASS"),
            bearer_control=iq.BearerControl(interlinkage=iq.Interlinkage(topology="TOPOLOGY_T1_TO_T2"))),
                                              timeout=PATIENCE).local_address
        t2 = self._iq.ReserveAndConfigureConnectionPoint(messages.ReserveAndConfigureConnectionPointRequest(
            termination=self._termination("SIDE_CORE"), transaction_id="2",
            local=iq.LocalDescriptor(address_family=family, transport_protocol="TRANSPORT_PROTOCOL_TCP_MSRP",
                                     setup_mode="SETUP_MODE_ACTPASS"),
            remote=iq.RemoteDescriptor(address=iq.TransportAddress(ip_address=core_host, port=core_port),
                                       msrp_path=peer_path),
            bearer_control=iq.BearerControl(tcp_role="TCP_ROLE_ACTIVE")), timeout=PATIENCE).local_address
        test.addCleanup(self._iq.ReleaseTermination, messages.ReleaseTerminationRequest(
            termination=iq.TerminationId(context_id=self._context_id), transaction_id="4"), timeout=PATIENCE)

        connection = socket.socket(socket.AF_INET6 if version == "IPv6" else socket.AF_INET)
        test.addCleanup(connection.close)
        connection.bind((hosts["ue"], 0))
        connection.settimeout(PATIENCE)
        path = uri("msrps", hosts["ue"], connection.getsockname()[1], "ue")
        self._iq.ConfigureConnectionPoint(messages.ConfigureConnectionPointRequest(
            termination=self._termination("SIDE_ACCESS"), transaction_id="3",
            remote=iq.RemoteDescriptor(address=iq.TransportAddress(ip_address=hosts["ue"]), msrp_path=[path],
                                       fingerprints=[iq.Fingerprint(
                                           hash_function="sha-256",
                                           digest=bytes.fromhex(test.certificate.digest.replace(":", "")))]),
            bearer_control=iq.BearerControl(
                tcp_role="TCP_ROLE_PASSIVE", tls_role="TLS_ROLE_SERVER",
                syn_policy=iq.SynPolicy(accept_from=iq.SynPolicy.AcceptFrom()))), timeout=PATIENCE)
        connection.connect((t1.ip_address, t1.port))
        connection = start_tls(connection, test.certificate)
        test.addCleanup(connection.close)

        session = peer_path[-1].rpartition("/")[2].removesuffix(";tcp")
        self.t1 = t1
        self.ue = MsrpEnd(connection, path, [uri("msrps", t1.ip_address, t1.port, session)])
        self.ue_at_t2 = uri("msrp", t2.ip_address, t2.port, "ue")
        self._counted = self._counts()

    def _termination(self, side):
        return iq.TerminationId(context_id=self._context_id, stream_id=1, side=side)

    def _counts(self):
        return self._services.agw_metrics("iqgate_agw_msrp_")

    def wait_until_counted(self, **expected):
        """`expected`: what this stream adds to a series, by its name without prefix and suffix, as a
        dictionary from its labels."""
        wanted = {f"iqgate_agw_msrp_{name}_total{{{labels}}}": count
                  for name, series in expected.items() for labels, count in series.items()}

        def changes():
            now = self._counts()
            return {series: now[series] - self._counted[series] for series in wanted}

        wait_until(lambda: changes() == wanted, lambda: f"{changes()} is not {wanted}")


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
        cls.services = cls.enterClassContext(
            Services(access=[hosts["access"] for hosts in HOSTS.values()],
                     core=[hosts["core"] for hosts in HOSTS.values()]))
        cls.certificate = Certificate(cls.services.folder, "phone")

    def _kamailio_uri(self, version, session):
        return uri("msrp", HOSTS[version]["kamailio"], self.kamailio.ports[version], session)

    def _stream_to_kamailio(self, version, path):
        return Stream(self, version, path, self.kamailio.ports[version], HOSTS[version]["kamailio"])

    def test_R_AGW_31_kamailio_answers_the_UE_and_sees_its_own_path(self):
        for version in HOSTS:
            with self.subTest(version=version):
                path = [self._kamailio_uri(version, "kamailio")]
                stream = self._stream_to_kamailio(version, path)
                ue = stream.ue
                texts = [None, b"hello", b"\r\n-------not.its.id$\r\n", b"", b"x" * 8000]
                for number, text in enumerate(texts):
                    size = len(text or b"")
                    sent = ue.send("SEND", message_headers(number, 1, size, size), text)
                    response = ue.receive()
                    self.assertEqual((response.transaction_id, response.code), (sent, 200))
                    # Kamailio has these from the request, where they were its own and the UE's at T2.
                    self.assertEqual(response.from_path, ue.remote_path)
                    self.assertEqual(response.to_path, [ue.path])
                stream.wait_until_counted(requests={'method="SEND",side="access"': len(texts)},
                                          responses={'code="200",side="core"': len(texts)},
                                          unaddressed={'side="access"': 0, 'side="core"': 0})

    def test_kamailio_refuses_what_the_IMS_AGW_does_not_know(self):
        for version in HOSTS:
            with self.subTest(version=version):
                path = [self._kamailio_uri(version, "kamailio")]
                stream = self._stream_to_kamailio(version, path)
                stray = [uri("msrps", stream.t1.ip_address, stream.t1.port, "somebody-else")]
                sent = stream.ue.send("SEND", ["Message-ID: 1"], to_path=stray)
                response = stream.ue.receive()
                self.assertEqual((response.transaction_id, response.code), (sent, 481))
                self.assertEqual((response.to_path, response.from_path), ([stream.ue.path], stray))
                stream.wait_until_counted(responses={'code="481",side="core"': 1},
                                          unaddressed={'side="access"': 1, 'side="core"': 1})

    def _behind_relay(self, version):
        """A stream with Kamailio before the peer, after the first SEND; and the peer."""
        listener = listen_at(HOSTS[version]["peer"])
        self.addCleanup(listener.close)
        peer_uri = uri("msrp", *listener.getsockname()[:2], "peer")
        relay = self._kamailio_uri(version, "relay")
        stream = self._stream_to_kamailio(version, [relay, peer_uri])
        sent = stream.ue.send("SEND", ["Message-ID: first"])
        self.assertEqual(stream.ue.receive().transaction_id, sent)
        connection = accept(listener)
        self.addCleanup(connection.close)
        peer = MsrpEnd(connection, peer_uri, [relay, stream.ue_at_t2])
        first = peer.receive()
        self.assertEqual((first.to_path, first.from_path), ([peer_uri], [relay, stream.ue_at_t2]))
        peer.respond(first)
        return stream, peer

    def _without_relay(self, version):
        """A stream to a peer that nobody is before; and the peer."""
        listener = listen_at(HOSTS[version]["peer"])
        self.addCleanup(listener.close)
        host, port = listener.getsockname()[:2]
        peer_uri = uri("msrp", host, port, "peer")
        stream = Stream(self, version, [peer_uri], port, host)
        connection = accept(listener)
        self.addCleanup(connection.close)
        return stream, MsrpEnd(connection, peer_uri, [stream.ue_at_t2])

    def test_wireshark_reads_the_paths_of_each_message_that_comes_out(self):
        for version in HOSTS:
            with self.subTest(version=version):
                stream, peer = self._without_relay(version)
                for sender, receiver in ((stream.ue, peer), (peer, stream.ue)):
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
                stream, peer = self._without_relay(version)
                # As if each chunk were followed by another message.
                content = random.Random(2).randbytes(chunk_size - 30) + b"\r\n-------no.end.of.it$\r\nMSRP "

                def octets_from(end):
                    for number in range(chunk_count):
                        begin = number * len(content) + 1
                        headers = message_headers("file", begin, begin + len(content) - 1, "*")
                        yield end.request("SEND", headers, content, "+" if number + 1 < chunk_count else "$")[0]

                # The UE's TLS is for one thread.
                with concurrent.futures.ThreadPoolExecutor() as threads:
                    received = [(end, threads.submit(end.exchange, b"".join(octets_from(end)), chunk_count))
                                for end in (stream.ue, peer)]
                for end, frames in received:
                    frames = frames.result()
                    self.assertEqual([frame.body == content for frame in frames], [True] * chunk_count)
                    self.assertEqual({tuple(frame.to_path) for frame in frames}, {(end.path,)})
                    self.assertEqual([frame.flag for frame in frames], ["+"] * (chunk_count - 1) + ["$"])
                stream.wait_until_counted(chunks={
                    'end="continued",side="access"': chunk_count - 1, 'end="complete",side="access"': 1,
                    'end="continued",side="core"': chunk_count - 1, 'end="complete",side="core"': 1})

    def test_a_chat_both_ways_through_a_relay(self):
        for version in HOSTS:
            with self.subTest(version=version):
                stream, peer = self._behind_relay(version)
                ue = stream.ue
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
                stream.wait_until_counted(
                    requests={'method="SEND",side="access"': 11, 'method="SEND",side="core"': 10,
                              'method="REPORT",side="access"': 10, 'method="REPORT",side="core"': 10},
                    chunks={'end="complete",side="access"': 11, 'end="complete",side="core"': 10},
                    unaddressed={'side="access"': 0, 'side="core"': 0})

    def test_a_file_through_a_relay(self):
        content = random.Random(1).randbytes(2_000_000)
        chunk_size = 2048
        for version in HOSTS:
            with self.subTest(version=version):
                stream, peer = self._behind_relay(version)
                received, size, responses, chunks = hashlib.sha256(), 0, 0, 0
                for begin in range(0, len(content), chunk_size):
                    chunk = content[begin:begin + chunk_size]
                    last = begin + len(chunk) == len(content)
                    headers = message_headers("file", begin + 1, begin + len(chunk), len(content))
                    stream.ue.send("SEND", headers, chunk, "$" if last else "+")
                    chunks += 1
                    frame = peer.receive()
                    received.update(frame.body)
                    size += len(frame.body)
                    peer.respond(frame)
                    responses += stream.ue.receive().code == 200
                self.assertEqual((size, received.digest()), (len(content), hashlib.sha256(content).digest()))
                self.assertEqual(responses, chunks)
                stream.wait_until_counted(chunks={'end="continued",side="access"': chunks - 1,
                                                  'end="complete",side="access"': 2})


if __name__ == "__main__":
    main()
