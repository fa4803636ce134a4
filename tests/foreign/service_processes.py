"""Both services as processes of their own, and sessions through them, for tests with foreign ends."""

import collections
import contextlib
import hashlib
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import grpc
from ims.alg.v1 import session_pb2, session_service_pb2 as messages, session_service_pb2_grpc

PATIENCE = 30  # Seconds; nothing waits that long when all is well.

# Loopback addresses of this process alone, so that tests can run side by side. Phones come from
# 127.0.0.1, because gnutls-cli cannot choose.
_SLOT = f"127.{200 + os.getpid() // 250 % 50}.{1 + os.getpid() % 250}"
ACCESS, CORE, CORE_PEER = f"{_SLOT}.10", f"{_SLOT}.20", f"{_SLOT}.40"
PHONE = "127.0.0.1"

_numbers = itertools.count()


def _start(arguments, started_event):
    """Starts a service; returns the process and the log line that says it has started."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    process.last_lines = collections.deque(maxlen=100)
    for line in process.stdout:
        process.last_lines.append(line)
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event.get("event") == started_event:
                # The pipe must not fill up.
                threading.Thread(target=process.last_lines.extend, args=(process.stdout,),
                                 daemon=True).start()
                return process, event
    raise RuntimeError(f"{arguments[0]} did not start:\n{''.join(process.last_lines)}")


class Services:
    """A context manager: both services run inside it. `access`, `core`: the IMS-AGW's addresses."""

    def __init__(self, access=(ACCESS,), core=(CORE,)):
        self._stack = contextlib.ExitStack()
        self._realms = {"access": (access, 20000), "core": (core, 21000)}

    def __enter__(self):
        try:
            self.folder = self._stack.enter_context(tempfile.TemporaryDirectory())
            with open(f"{self.folder}/agw.yaml", "w", encoding="ascii") as file:
                json.dump({"instance_id": "agw-for-foreigners", "drain_time": "1s", "realms": [
                    {"name": name, "default_for": [name], "first_port": port, "last_port": port + 999,
                     "addresses": [{"bind": address} for address in addresses]}
                    for name, (addresses, port) in self._realms.items()]}, file)
            agw = self._run(["agw-service/agw", f"--config={self.folder}/agw.yaml",
                             "--iq_address=127.0.0.1:0", "--http_address=127.0.0.1:0"], "agw_started")
            alg = self._run(["alg-service/alg", f"--gateway_targets=127.0.0.1:{agw['iq_port']}",
                             "--api_address=127.0.0.1:0", "--http_address=127.0.0.1:0"], "started")
            self.api_address = f"127.0.0.1:{alg['api_port']}"
            channel = self._stack.enter_context(grpc.insecure_channel(self.api_address))
            self.alg = session_service_pb2_grpc.SessionServiceStub(channel)
            self._wait_until_ready(alg["http_port"])
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _run(self, arguments, started_event):
        process, event = _start(arguments, started_event)
        self._stack.callback(self._stop, process)
        return event

    @staticmethod
    def _stop(process):
        process.terminate()
        try:
            status = process.wait(PATIENCE)
        finally:
            process.kill()
        # A sanitizer that has found something says so here.
        assert status == 0, f"{process.args[0]} ended with {status}:\n{''.join(process.last_lines)}"

    @staticmethod
    def _wait_until_ready(http_port):
        """Until the IMS-ALG has met its IMS-AGW."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{http_port}/readyz", timeout=PATIENCE).close()
                return
            except urllib.error.HTTPError as error:
                if error.code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)

    def offer(self, request):
        """What the UE is offered."""
        response = self.alg.ProcessOffer(request, timeout=PATIENCE, wait_for_ready=True)
        assert response.outcome.HasField("forward"), response
        return Offered(response)

    def answer(self, offered, request):
        """The SDP answer for the core."""
        response = self.alg.ProcessAnswer(request, timeout=PATIENCE)
        assert response.outcome.HasField("forward"), response
        return response.outcome.forward.sdp.decode()

    def release(self, offered):
        self.alg.ReleaseSession(messages.ReleaseSessionRequest(session_id=offered.session_id),
                                timeout=PATIENCE)


class Offered:
    """The session, T1 and the fingerprint, as the offer to the UE has them."""

    def __init__(self, response):
        self.session_id = response.session_id
        sdp = response.outcome.forward.sdp.decode()
        self.host = re.search(r"^c=IN IP[46] (\S+)\r$", sdp, re.M).group(1)
        self.port = int(re.search(r"^m=message (\d+) TCP/TLS/MSRP \*\r$", sdp, re.M).group(1))
        self.digest = re.search(r"^a=fingerprint:sha-256 (\S+)\r$", sdp, re.M).group(1)


def offer_request(core_address, core_port, core_connect="CORE_CONNECT_UNSPECIFIED",
                  early_syn="EARLY_SYN_UNSPECIFIED", ue_signalling_address=""):
    return messages.ProcessOfferRequest(
        request_id=f"offer-{next(_numbers)}",
        direction=session_pb2.DIRECTION_TERMINATING,
        sdp=_sdp(core_address, f"m=message {core_port} TCP/MSRP *",
                 f"a=path:msrp://core.example:{core_port}/core;tcp", "a=setup:actpass"),
        e2ae_support=session_pb2.E2aeSupport(
            indications=session_pb2.E2aeSupport.Indications(ue=True, p_cscf=True)),
        ue_signalling_address=ue_signalling_address, core_connect=core_connect, early_syn=early_syn)


def answer_request(offered, phone_address, digest):
    return messages.ProcessAnswerRequest(
        request_id=f"answer-{next(_numbers)}",
        session_id=offered.session_id,
        sdp=_sdp(phone_address, "m=message 9 TCP/TLS/MSRP *", "a=path:msrps://phone.example:2855/b;tcp",
                 "a=setup:active", f"a=fingerprint:sha-256 {digest}"))


class Session:
    """One session, offered and answered for a phone with the given certificate."""

    def __init__(self, services, certificate):
        self.core_listener = socket.create_server((CORE_PEER, 0))
        self.core_listener.settimeout(PATIENCE)
        self.offered = services.offer(
            offer_request(CORE_PEER, self.core_listener.getsockname()[1]))
        self.answer = services.answer(
            self.offered, answer_request(self.offered, PHONE, certificate.digest))

    def accept_core(self):
        connection, _ = self.core_listener.accept()
        connection.settimeout(PATIENCE)
        return connection


class Certificate:
    """A self-signed certificate made by OpenSSL, with files for command line tools."""

    def __init__(self, folder, name):
        self.certificate_file = f"{folder}/{name}.crt"
        self.key_file = f"{folder}/{name}.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "1", "-subj", f"/CN={name}",
             "-keyout", self.key_file, "-out", self.certificate_file],
            check=True, capture_output=True)
        with open(self.certificate_file, encoding="ascii") as file:
            self.digest = digest_of_pem(file.read())


def digest_of_pem(pem):
    """The SHA-256 of the first certificate in `pem`, as SDP writes it."""
    block = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.S).group(0)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).digest().hex(":").upper()


def _sdp(address, media, *attributes):
    where = f"IN IP{6 if ':' in address else 4} {address}"
    lines = ["v=0", f"o=- 1 1 {where}", "s=-", f"c={where}", "t=0 0", media,
             "a=accept-types:*", *attributes, "a=msrp-cema"]
    return "".join(line + "\r\n" for line in lines).encode()
