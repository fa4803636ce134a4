"""The proxies that are compared, each as its own process on one core, all with the same work: TLS 1.3 with
TLS_AES_128_GCM_SHA256 and ECDSA P-256 from the phones, whose certificate is demanded and checked, no resumption; plain TCP
to one core peer. Everything else is as the packages have it.

Fixed addresses and ports: for a network namespace of its own.
"""

import glob
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

CORE = "127.0.0.40:7000"
PATIENCE = 20  # Seconds; nothing waits that long when all is well.


class Certificates:
    """One for the proxies and one for all phones, made by OpenSSL, in files of `folder`."""

    def __init__(self, folder):
        self.proxy, self.proxy_key = self._make(folder, "proxy")
        self.phone, self.phone_key = self._make(folder, "phone")
        self.proxy_with_key = f"{folder}/proxy.pem"  # As HAProxy wants it.
        with open(self.proxy_with_key, "w", encoding="ascii") as file:
            for part in (self.proxy, self.proxy_key):
                with open(part, encoding="ascii") as pem:
                    file.write(pem.read())

    @staticmethod
    def _make(folder, name):
        certificate, key = f"{folder}/{name}.crt", f"{folder}/{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return certificate, key


class Proxy:
    """A context manager: a proxy that takes TLS at `address`. Only `core` of the machine runs it."""

    name = address = None

    def __init__(self, folder, certificates, core):
        self._folder, self._certificates, self._core = folder, certificates, core
        self._process = None

    def does(self, work):
        """Whether it can do a work of bench.py's."""
        return work in ("up", "down", "ping", "setup", "idle")

    def version(self):
        """Of the program, as it says itself."""
        raise NotImplementedError

    def _arguments(self):
        """The command line; writes the configuration file."""
        raise NotImplementedError

    def load_arguments(self):
        """How the load finds it, and what it presents."""
        return [f"--proxy={self.address}", *self._phone_certificate()]

    def _phone_certificate(self):
        return [f"--certificate={self._certificates.phone}", f"--key={self._certificates.phone_key}"]

    def _write(self, file_name, text):
        path = f"{self._folder}/{file_name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def __enter__(self):
        log_file = f"{self._folder}/{self.name}.log"
        with open(log_file, "wb") as log:
            self._process = subprocess.Popen(["taskset", "-c", str(self._core), *self._arguments()], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                with open(log_file, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"{self.name} does not start:\n{log.read()[-2000:]}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _is_ready(self):
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), PATIENCE).close()
            return True
        except OSError:
            return False

    def pids(self):
        """Of the process and those it has started."""
        pids = [self._process.pid]
        for pid in pids:
            for file_name in glob.glob(f"/proc/{pid}/task/*/children"):
                with open(file_name, encoding="ascii") as file:
                    pids += map(int, file.read().split())
        return pids


def _version(command, pattern):
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return re.search(pattern, result.stdout).group(1)


class HaProxy(Proxy):
    name, address = "HAProxy", "127.0.0.11:4433"

    def version(self):
        return _version(["haproxy", "-v"], r"version ([\d.]+)")

    def _arguments(self):
        tls = self._certificates
        return ["haproxy", "-db", "-f", self._write("haproxy.cfg", f"""
global
  nbthread 1
  maxconn 9000
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  tune.ssl.cachesize 0
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
listen msrp
  bind {self.address} ssl crt {tls.proxy_with_key} verify required ca-file {tls.phone}
  server core {CORE}
""")]


class Nginx(Proxy):
    name, address = "nginx", "127.0.0.12:4433"

    def version(self):
        return _version(["nginx", "-v"], r"nginx/([\d.]+)")

    def _arguments(self):
        tls = self._certificates
        return ["nginx", "-p", self._folder, "-c", self._write("nginx.conf", f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user root;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 20000; }}
stream {{
  server {{
    listen {self.address} ssl backlog=4096;
    ssl_certificate {tls.proxy};
    ssl_certificate_key {tls.proxy_key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    ssl_verify_client on;
    ssl_client_certificate {tls.phone};
    ssl_session_cache off;
    ssl_session_tickets off;
    proxy_pass {CORE};
  }}
}}
""")]


class Stunnel(Proxy):
    name, address = "stunnel", "127.0.0.13:4433"

    def version(self):
        return _version(["stunnel4", "-version"], r"stunnel ([\d.]+)")

    def _arguments(self):
        tls = self._certificates
        return ["stunnel4", self._write("stunnel.conf", f"""
foreground = yes
pid =
debug = err
[msrp]
accept = {self.address}
connect = {CORE}
cert = {tls.proxy}
key = {tls.proxy_key}
CAfile = {tls.phone}
verifyChain = yes
sslVersionMin = TLSv1.3
ciphersuites = TLS_AES_128_GCM_SHA256
options = NO_TICKET
sessionResume = no
""")]


class Agw(Proxy):
    """Ours, with each session set up over Iq."""

    def __init__(self, folder, certificates, core, programs, worker_count=1):
        super().__init__(folder, certificates, core)
        self.name = "AGW" if worker_count == 1 else f"AGW, {worker_count} workers"
        self._programs, self._worker_count = programs, worker_count
        self._iq_address, self._http_address = f"127.0.0.1:{7060 + worker_count}", f"127.0.0.1:{9060 + worker_count}"

    def does(self, work):
        return True

    def version(self):
        return "of this tree"

    def _arguments(self):
        realms = [{"name": name, "default_for": [name], "first_port": 10000, "last_port": 29999, "port_quarantine": "1s",
                   "addresses": [{"bind": f"{network}.{self._worker_count}"}]}
                  for name, network in (("access", "127.0.1"), ("core", "127.0.2"))]
        config = {"instance_id": "bench", "worker_count": self._worker_count, "realms": realms, "drain_time": "0s",
                  "iq": {"listen_address": self._iq_address}, "http": {"listen_address": self._http_address}}
        config_file = self._write(f"agw-{self._worker_count}.yaml", json.dumps(config))
        return [f"{self._programs}/agw-service/agw", f"--config={config_file}"]

    def load_arguments(self):
        return [*self._phone_certificate(), f"--iq={self._iq_address}"]

    def _is_ready(self):
        try:
            urllib.request.urlopen(f"http://{self._http_address}/readyz", timeout=PATIENCE).close()
            return True
        except (urllib.error.URLError, ConnectionError):
            return False


class Limit(Proxy):
    """What no proxy can do without: receives, runs AES-128-GCM over it, and sends. Has no TLS, and so its load has none."""

    name, address = "limit", "127.0.0.14:4433"

    def __init__(self, folder, certificates, core, programs):
        super().__init__(folder, certificates, core)
        self._program = f"{programs}/tests/bench/limit_proxy"

    def version(self):
        return "(receive, AES-128-GCM and send alone; handshake alone)"

    def _arguments(self):
        return [self._program, f"--listen={self.address}", f"--core={CORE}"]

    def load_arguments(self):
        return [f"--proxy={self.address}"]

    def handshake(self):
        """The load's figures of a handshake in memory, and of AES-128-GCM."""
        result = subprocess.run(["taskset", "-c", str(self._core), self._program, "--handshakes=500"],
                                check=True, stdout=subprocess.PIPE, timeout=PATIENCE)
        return json.loads(result.stdout)
