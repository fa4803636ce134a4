"""A system to observe: IMS-AGWs and IMS-ALGs with mutual TLS, and the Prometheus that looks at them.

All of it on loopback, at fixed ports: it is to run in a network namespace of its own.
"""

import collections
import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import grpc
from ims.alg.v1 import session_service_pb2_grpc
from ims.iq.v1 import media_gateway_service_pb2_grpc

PATIENCE = 30  # Seconds; nothing waits that long when all is well.
NAMESPACE = "ims"
PROMETHEUS = "127.0.0.1:9090"
# A source that the access realm of each IMS-AGW does not let in.
DENIED_PHONE = "127.0.66.1"


def get(address):
    """The body of an HTTP GET, as text."""
    with urllib.request.urlopen(f"http://{address}", timeout=PATIENCE) as response:
        return response.read().decode()


def wait_until(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Authority:
    """The authority of gRPC's certificates, and the certificates it makes, in files of `folder`."""

    def __init__(self, folder):
        self._folder = folder
        self.certificate_file = self._path("ca.crt")
        self._openssl("req", "-x509", *self._new_key("ca"), "-days", "30", "-subj", "/CN=iqgate authority",
                      "-out", self.certificate_file)
        for name in ("iqgate-agw", "iqgate-alg", "p-cscf", "iqgate-iqctl", "stranger", "realm"):
            self.issue(name)

    def issue(self, name, days=30, file_name=None):
        """A certificate for the DNS name `name`, in place of the one there was."""
        file_name = file_name or name
        request, extensions = self._path(f"{file_name}.csr"), self._path(f"{file_name}.ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName=DNS:{name}\n")
        if not os.path.exists(self._path(f"{file_name}.key")):
            self._openssl("req", *self._new_key(file_name), "-subj", f"/CN={name}", "-out", request)
        new = self._path(f"{file_name}.new")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate_file, "-CAkey", self._path("ca.key"),
                      "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", new)
        os.rename(new, self._path(f"{file_name}.crt"))

    def tls(self, name):
        """The part of a configuration file that uses a certificate."""
        return self.key_pair(name) | {"ca_file": self.certificate_file}

    def key_pair(self, name):
        """The same, of a realm."""
        return {"certificate_file": self._path(f"{name}.crt"), "key_file": self._path(f"{name}.key")}

    def channel(self, address, client, server):
        """To a service of ours, as `client`."""
        files = [self.certificate_file, self._path(f"{client}.key"), self._path(f"{client}.crt")]
        contents = []
        for name in files:
            with open(name, "rb") as file:
                contents.append(file.read())
        return grpc.secure_channel(
            address, grpc.ssl_channel_credentials(*contents),
            options=[("grpc.ssl_target_name_override", server), ("grpc.use_local_subchannel_pool", 1)])

    def _path(self, name):
        return f"{self._folder}/{name}"

    def _new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self._path(f"{name}.key")]

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Process:
    """A program of which the end is waited for, by its id. `limits`: for prlimit(1)."""

    def __init__(self, arguments, log_file, limits=()):
        if limits:
            arguments = ["/usr/bin/prlimit", *limits, *arguments]
        self._log_file = log_file
        with open(log_file, "ab") as log:
            self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def send(self, number):
        if self.is_there():
            self._process.send_signal(number)

    def is_there(self):
        return self._process.poll() is None

    def stop(self, number=signal.SIGTERM):
        """Ends it, however it takes."""
        if not self.is_there():
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log(self):
        with open(self._log_file, encoding="utf-8", errors="replace") as file:
            return "".join(collections.deque(file, maxlen=20))


class Service:
    """An IMS-AGW or IMS-ALG that can be ended and started again. Its `pod` is what Prometheus calls it."""

    def __init__(self, system, component, number, config, limits=()):
        self.component, self.pod = component, f"{component}-{number}"
        self.http_address = f"127.0.0.1:{(9060 if component == 'agw' else 9050) + number}"
        self._program = f"{system.programs}/{component}-service/{component}"
        self._limits = limits
        self._folder = system.folder
        self._config_file = f"{system.folder}/{self.pod}.yaml"
        with open(self._config_file, "w", encoding="ascii") as file:
            json.dump(config | {"http": {"listen_address": self.http_address}}, file)
        self._process = None

    def start(self):
        self._process = Process([self._program, f"--config={self._config_file}"], f"{self._folder}/{self.pod}.log", self._limits)
        wait_until(self._answers, f"{self.pod} answers")

    def send(self, number):
        self._process.send(number)

    def stop(self, number=signal.SIGTERM):
        if self._process:
            self._process.stop(number)

    def is_ready(self):
        try:
            get(f"{self.http_address}/readyz")
            return True
        except urllib.error.URLError:
            return False

    def _answers(self):
        if not self._process.is_there():
            raise RuntimeError(f"{self.pod} has ended:\n{self._process.log()}")
        try:
            get(f"{self.http_address}/healthz")
            return True
        except (urllib.error.URLError, ConnectionError):
            return False


class Wire:
    """Connections to `target` by way of `port`, which can be cut: what is there breaks, and what comes then is accepted
    and hears nothing, until the wire is mended."""

    def __init__(self, port, target):
        self._target = target
        self._lock = threading.Lock()
        self._cut = False
        self._sockets = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self._lock:
            self._cut = True
        self._break()

    def mend(self):
        with self._lock:
            self._cut = False
        self._break()

    def close(self):
        self._listener.close()
        self._break()

    def _break(self):
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for end in sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with self._lock:
                    self._sockets.add(near)
                    cut = self._cut
                if not cut:
                    threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near):
        try:
            far = socket.create_connection(self._target, PATIENCE)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._sockets.add(far)
        threading.Thread(target=self._carry, args=(far, near), daemon=True).start()
        self._carry(near, far)

    @staticmethod
    def _carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class StandIn:
    """Stands in for an IMS-AGW in trouble that a sound one cannot be made to have, or not for long: a leak; minutes of
    handshakes at their limit; peers of thousands of sessions that take nothing; files of certificates that stay broken. Serves
    the few series that tell of it. In a namespace of its own, so that dashboards of the real ones do not show it."""

    NAMESPACE, POD, ADDRESS = "stand-in", "agw-0", "127.0.0.1:9099"

    def __init__(self):
        self.resident_memory = 100_000_000
        self.waiting_handshakes = 0
        self.certificate_files_usable = 1
        self.ends_connections = False  # Because of octets that nobody takes.
        self._ended_count = 0
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):

            def do_GET(self):  # pylint: disable=invalid-name
                body = (f"iqgate_agw_contexts 2000\niqgate_agw_contexts_limit 10000\n"
                        f"iqgate_agw_tls_handshakes_waiting {stand_in.waiting_handshakes}\n"
                        f'iqgate_agw_certificate_files_usable{{realm="access"}} {stand_in.certificate_files_usable}\n'
                        f'iqgate_agw_notifications_total{{kind="bearer_released",cause="buffer_limit",side="core"}} '
                        f"{stand_in.count_ended()}\n"
                        f"process_resident_memory_bytes {stand_in.resident_memory}\n").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        host, port = self.ADDRESS.split(":")
        self._server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def count_ended(self):
        """Some more with each look, while connections are ended."""
        self._ended_count += 3 if self.ends_connections else 0
        return self._ended_count

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class System:
    """A context manager. Two IMS-ALGs with two IMS-AGWs (agw-0, agw-1), of which alg-1 reaches agw-0 by `wire`; a small
    IMS-AGW of its own (agw-2), which takes few sessions; a stand-in with a leak; and Prometheus."""

    SMALL_LIMIT = 12  # Sessions and ports of agw-2; its descriptors suffice for about as many.
    SMALL_DRAIN_TIME = 3  # Minutes of the rules.

    def __init__(self, programs, folder, minute, rules_file):
        """`minute`: how many seconds stand for a minute of the alerts' rules."""
        self.programs, self.folder, self.minute = programs, folder, minute
        self._rules_file = rules_file
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        # All at once; the second signal, at the end of each, ends a drain.
        for pod in self.pods():
            pod.send(signal.SIGTERM)
        self._stack.close()

    def _start(self):
        self.authority = Authority(self.folder)
        # agw-1 has files of its own, so that they can be replaced by ones that end soon.
        self.authority.issue("iqgate-agw", file_name="agw-1")
        self.wire = Wire(7070, ("127.0.0.1", 7060))
        self._stack.callback(self.wire.close)
        self.stand_in = StandIn()
        self._stack.callback(self.stand_in.close)
        # Nothing of the little there is is kept for emergency calls.
        small = {"context_limit": self.SMALL_LIMIT, "worker_count": 2, "priority_share": 0,
                 "drain_time": f"{round(1000 * self.SMALL_DRAIN_TIME * self.minute)}ms"}
        self.agws = [self._add("agw", 0, self._agw_config(0, {})),
                     self._add("agw", 1, self._agw_config(1, {}, certificate="agw-1")),
                     # Of 48 descriptors 16 are kept for gRPC and HTTP, and 4 for workers.
                     self._add("agw", 2, self._agw_config(2, small, last_port=20000 + self.SMALL_LIMIT - 1),
                               limits=["--nofile=48:48"])]
        self.algs = [self._add("alg", number, self._alg_config(number, targets)) for number, targets in enumerate(
            [["127.0.0.1:7060", "127.0.0.1:7061"], ["127.0.0.1:7070", "127.0.0.1:7061"]])]
        for alg in self.algs:
            wait_until(alg.is_ready, f"{alg.pod} has met an IMS-AGW")
        self.alg_stubs = [self.alg_stub(number, "p-cscf") for number in range(2)]
        self.agw_stubs = [self.agw_stub(number, "iqgate-iqctl") for number in range(3)]
        self._start_prometheus()

    def alg_stub(self, number, client):
        return session_service_pb2_grpc.SessionServiceStub(self._channel(f"127.0.0.1:{7050 + number}", client, "iqgate-alg"))

    def agw_stub(self, number, client):
        return media_gateway_service_pb2_grpc.MediaGatewayServiceStub(
            self._channel(f"127.0.0.1:{7060 + number}", client, "iqgate-agw"))

    def pods(self):
        return [*self.agws, *self.algs]

    def _channel(self, address, client, server):
        return self._stack.enter_context(self.authority.channel(address, client, server))

    def _add(self, component, number, config, limits=()):
        service = Service(self, component, number, config, limits)
        self._stack.callback(service.stop)
        service.start()
        return service

    def _agw_config(self, number, more, certificate="iqgate-agw", last_port=20999):
        return {
            "instance_id": f"agw-{number}",
            "iq": {"listen_address": f"127.0.0.1:{7060 + number}",
                   "tls": self.authority.tls(certificate) | {"allowed_client_names": ["iqgate-alg", "iqgate-iqctl"]}},
            "realms": [
                {"name": "access", "default_for": ["access"], "addresses": [{"bind": f"127.0.1.{10 + number}"}],
                 "first_port": 20000, "last_port": last_port, "port_quarantine": "1s",
                 "denied_remotes": [f"{DENIED_PHONE}/32"]} | ({"certificate": self.authority.key_pair("realm")} if number == 0
                                                              else {}),
                {"name": "core", "default_for": ["core"], "addresses": [{"bind": f"127.0.2.{10 + number}"}],
                 "first_port": 10000, "last_port": 10999, "port_quarantine": "1s"}],
            # Short, so that who never comes is given up within the run.
            "setup": {"await_configuration": "4s" if number < 2 else "5min", "tcp_establishment": "2s",
                      "tls_establishment": "2s"},
            "hold_time": "4s", "notification_log_size": 64, "context_limit": 2000, "drain_time": "10min"} | more

    def _alg_config(self, number, targets):
        return {
            "api": {"listen_address": f"127.0.0.1:{7050 + number}",
                    "tls": self.authority.tls("iqgate-alg") | {"allowed_client_names": ["p-cscf", "iqgate-iqctl"]}},
            "gateways": {"targets": targets, "status_interval": "1s",
                         "tls": self.authority.tls("iqgate-alg") | {"server_name": "iqgate-agw"}}}

    def _start_prometheus(self):
        # As a PodMonitor labels them.
        targets = [{"targets": [service.http_address],
                    "labels": {"namespace": NAMESPACE, "pod": service.pod, "container": service.component, "endpoint": "http",
                               "job": f"{NAMESPACE}/iqgate-{service.component}"}} for service in self.pods()]
        targets.append({"targets": [StandIn.ADDRESS], "labels": {"namespace": StandIn.NAMESPACE, "pod": StandIn.POD}})
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                  "rule_files": [self._rules_file],
                  "scrape_configs": [{"job_name": "pods", "static_configs": targets}]}
        with open(f"{self.folder}/prometheus.yaml", "w", encoding="ascii") as file:
            json.dump(config, file)
        prometheus = Process(
            ["prometheus", f"--config.file={self.folder}/prometheus.yaml", f"--storage.tsdb.path={self.folder}/prometheus",
             f"--web.listen-address={PROMETHEUS}", "--log.level=warn"], f"{self.folder}/prometheus.log")
        self._stack.callback(prometheus.stop)

        def answers():
            if not prometheus.is_there():
                raise RuntimeError(f"Prometheus has ended:\n{prometheus.log()}")
            try:
                get(f"{PROMETHEUS}/-/ready")
                return True
            except (urllib.error.URLError, ConnectionError):
                return False

        wait_until(answers, "Prometheus answers")
        # It takes some seconds until it looks at the first.
        wait_until(lambda: get(f"{PROMETHEUS}/api/v1/query?query=count(up==1)").count(f'"{len(targets)}"') == 1,
                   "Prometheus looks at all")
