"""Both services as processes of their own, and sessions through them, for tests with foreign ends."""

import collections
import contextlib
import glob
import hashlib
import itertools
import json
import os
import re
import signal
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
CORE_PEER = f"{_SLOT}.40"
PHONE = "127.0.0.1"

_numbers = itertools.count()


def _start(arguments, started_event, descriptor_limits=None):
    """Starts a service; returns the process and the log line that says it has started."""
    if descriptor_limits:
        # Nothing of ours may run between fork and exec: gRPC has threads here.
        soft, hard = descriptor_limits
        arguments = ["/usr/bin/prlimit", f"--nofile={soft}:{hard}", *arguments]
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


def has_logged(process, event):
    """Whether one of the last lines of its log is that event."""
    return any(f'"event":"{event}"' in line for line in process.last_lines.copy())


def _threads_of(process):
    """What each thread waits for in the kernel."""
    tasks = glob.glob(f"/proc/{process.pid}/task/*")
    waits = []
    for task in tasks:
        with open(f"{task}/comm", encoding="ascii") as comm, open(f"{task}/wchan", encoding="ascii") as wchan:
            waits.append(f"{comm.read().strip()} in {wchan.read().strip()}")
    return ", ".join(waits)


class Services:
    """A context manager: an IMS-ALG and `agw_count` IMS-AGWs run inside it.

    `access`, `core`: addresses of the IMS-AGWs, each of which has its own unless they are given.
    `access_certificate`: the certificate of the access realm, as a Certificate, if it has one of its own.
    `agw_config`, `alg_config`, `realm_config`: more of the configuration, of each realm. `descriptor_limits`: the soft and the hard
    limit of open files the IMS-AGWs are started with.

    `agw_process` and `alg_process` may be ended and started again; `agw_ports` and `alg_ports` are the
    log lines they have started with. Several IMS-AGWs are in `agw_processes` and `agws`.
    """

    def __init__(self, access=None, core=None, access_certificate=None, agw_count=1, drain_time="1s", agw_config=None,
                 alg_config=None, realm_config=None, descriptor_limits=None):
        self._stack = contextlib.ExitStack()
        self._access, self._core = access, core
        self._access_realm = {}
        if access_certificate:
            self._access_realm["certificate"] = {"certificate_file": access_certificate.certificate_file,
                                                 "key_file": access_certificate.key_file}
        self._agw_config = {"drain_time": drain_time} | (agw_config or {})
        self._alg_config = alg_config or {}
        self._realm_config = realm_config or {}
        self._descriptor_limits = descriptor_limits
        self._killed = []
        self.agw_processes, self.agws = [None] * agw_count, [None] * agw_count

    def __enter__(self):
        try:
            self.folder = self._stack.enter_context(tempfile.TemporaryDirectory())
            for number in range(len(self.agws)):
                self.start_agw(number)
            self.start_alg()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    @property
    def agw_process(self):
        return self.agw_processes[0]

    @property
    def agw_ports(self):
        return self.agws[0]

    def start_agw(self, number=0):
        """Starts an IMS-AGW, or one that has ended again, at the same port of Iq."""
        file_name = f"{self.folder}/agw-{number}.yaml"
        realms = {"access": (self._access or [f"{_SLOT}.{10 + number}"], 20000),
                  "core": (self._core or [f"{_SLOT}.{20 + number}"], 21000)}
        with open(file_name, "w", encoding="ascii") as file:
            json.dump({"instance_id": f"agw-for-foreigners-{number}", "realms": [
                {"name": name, "default_for": [name], "first_port": port, "last_port": port + 999,
                 "addresses": [{"bind": address} for address in addresses]} | self._realm_config
                | (self._access_realm if name == "access" else {}) for name, (addresses, port) in realms.items()]} | self._agw_config, file)
        iq_port = self.agws[number]["iq_port"] if self.agws[number] else 0
        self.agw_processes[number], self.agws[number] = self._run(
            ["agw-service/agw", f"--config={file_name}", f"--iq_address=127.0.0.1:{iq_port}",
             "--http_address=127.0.0.1:0"], "agw_started", self._descriptor_limits)

    def start_alg(self):
        """Starts the IMS-ALG, or again after it has ended, and waits until it has met an IMS-AGW."""
        targets = ",".join(f"127.0.0.1:{agw['iq_port']}" for agw in self.agws)
        file_name = f"{self.folder}/alg.yaml"
        with open(file_name, "w", encoding="ascii") as file:
            json.dump(self._alg_config, file)
        self.alg_process, self.alg_ports = self._run(
            ["alg-service/alg", f"--config={file_name}", f"--gateway_targets={targets}",
             "--api_address=127.0.0.1:0", "--http_address=127.0.0.1:0"], "started")
        self.api_address = f"127.0.0.1:{self.alg_ports['api_port']}"
        channel = self._stack.enter_context(grpc.insecure_channel(self.api_address))
        self.alg = session_service_pb2_grpc.SessionServiceStub(channel)
        self._wait_until_ready(self.alg_ports["http_port"])

    def kill(self, process):
        """SIGKILL; the process is gone afterwards."""
        self._killed.append(process)
        process.kill()
        process.wait()

    def wait_for_end(self, process):
        """Its exit status, whatever it is; it has been told to end."""
        self._killed.append(process)
        return process.wait(PATIENCE)

    def _run(self, arguments, started_event, descriptor_limits=None):
        process, event = _start(arguments, started_event, descriptor_limits)
        self._stack.callback(self._stop, process)
        return process, event

    def _stop(self, process):
        if process in self._killed:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)  # A test may have stopped it.
        process.terminate()
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            status = f"nothing in {PATIENCE} s, its threads: {_threads_of(process)}"
            process.kill()
            process.wait()
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

    def agw_metric(self, series):
        """The value of a series of agw-service at /metrics, e.g. 'name{label="value"}'; 0 if absent."""
        return _metric(self.agw_ports["http_port"], series)

    def agw_metrics(self, prefix):
        """The values of all series of agw-service whose names begin so."""
        return dict(_metrics(self.agw_ports["http_port"], prefix))

    def alg_metric(self, series):
        """The same of alg-service."""
        return _metric(self.alg_ports["http_port"], series)

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


def _metrics(http_port, prefix):
    with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/metrics", timeout=PATIENCE) as response:
        for line in response.read().decode().splitlines():
            series, _, value = line.rpartition(" ")
            if series.startswith(prefix):
                yield series, float(value)


def _metric(http_port, series):
    return dict(_metrics(http_port, series)).get(series, 0)


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


def reason_of(error):
    """The reason of a gRPC error: ErrorInfo in its trailing metadata."""
    details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
    # Status.details = 3, of type Any, whose value = 2 is an ErrorInfo, whose reason = 1.
    match = re.search(rb"google\.rpc\.ErrorInfo\x12.{1,2}?\x0a(.)([A-Z_0-9]+)", details, re.S)
    return match.group(2)[:match.group(1)[0]].decode() if match else ""


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

    def connect_phone(self):
        """The phone's end, without TLS yet."""
        return socket.create_connection((self.offered.host, self.offered.port), PATIENCE)


def start_tls(connection, certificate):
    """TLS 1.3 as the phone on a TCP connection; any certificate of the IMS-AGW will do."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.load_cert_chain(certificate.certificate_file, certificate.key_file)
    return tls.wrap_socket(connection)


def wait_until(condition, what, timeout=PATIENCE):
    """For what nobody reports; looks every few milliseconds. `what`: a text, or what makes one."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what() if callable(what) else what}"
        time.sleep(0.02)


class Certificate:
    """A certificate made by OpenSSL, with files for command line tools: self-signed, or with that of
    its `issuer` behind it in the file. `digest` is that of the certificate itself."""

    def __init__(self, folder, name, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), issuer=None):
        self.certificate_file = f"{folder}/{name}.crt"
        self.key_file = f"{folder}/{name}.key"
        signed_by = ["-CA", issuer.certificate_file, "-CAkey", issuer.key_file] if issuer else []
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "1", "-subj", f"/CN={name}",
             *signed_by, "-keyout", self.key_file, "-out", self.certificate_file],
            check=True, capture_output=True)
        with open(self.certificate_file, encoding="ascii") as file:
            self.digest = digest_of_pem(file.read())
        if issuer:
            with (open(self.certificate_file, "ab") as chain,
                  open(issuer.certificate_file, "rb") as issuers):
                chain.write(issuers.read())


PEM_BLOCK = r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"


def digest_of_pem(pem):
    """The SHA-256 of the first certificate in `pem`, as SDP writes it."""
    block = re.search(PEM_BLOCK, pem, re.S).group(0)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).digest().hex(":").upper()


def _sdp(address, media, *attributes):
    where = f"IN IP{6 if ':' in address else 4} {address}"
    lines = ["v=0", f"o=- 1 1 {where}", "s=-", f"c={where}", "t=0 0", media,
             "a=accept-types:*", *attributes, "a=msrp-cema"]
    return "".join(line + "\r\n" for line in lines).encode()
