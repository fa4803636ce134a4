#!/usr/bin/python3
"""Phones, core peers and the network function between them, in a pod of their own. Told what to do by lines of JSON on standard
input, {"do": NAME, ...}; each is answered by a line on standard output, {"ok": ...} or {"error": TEXT}.

Usage: peers.py TARGET PODS NAME ADDRESS FOLDER

TARGET is the IMS-ALG's API by its virtual address, PODS by those of its pods, NAME what its certificate says. ADDRESS is this
pod's own. FOLDER has phone.crt and phone.key, and tls/ with the network function's certificate.
"""

import contextlib
import hashlib
import itertools
import json
import pathlib
import select
import socket
import sys
import threading
import time
import traceback

import grpc
from ims.alg.v1 import session_service_pb2 as messages, session_service_pb2_grpc
from service_processes import Offered, answer_request, digest_of_pem, offer_request, reason_of, start_tls

CALL_TIME = 10
MEDIA_TIME = 10
# Every call may be repeated with its request_id (docs/p-cscf.md). CANCELLED is what gRPC makes of a call that reaches a server in
# the moment in which it begins to end.
RETRY_POLICY = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [{
        "name": [{"service": "ims.alg.v1.SessionService"}],
        "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
                        "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]}}],
}


class NetworkFunction:
    """What a P-CSCF does with the IMS-ALG."""

    def __init__(self, target, name, folder):
        self._target, self._name, self._folder = target, name, folder
        self._channels = []
        self.connect()

    def connect(self):
        """With the certificate that is in the folder now; calls on the channel before go on."""
        ca, certificate, key = [pathlib.Path(self._folder, "tls", name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key")]
        # Those before stay until their calls are over.
        self._channels.append(grpc.secure_channel(
            self._target, grpc.ssl_channel_credentials(ca, key, certificate),
            options=[("grpc.service_config", json.dumps(RETRY_POLICY)), ("grpc.enable_retries", 1),
                     ("grpc.ssl_target_name_override", self._name),
                     # gRPC asks for the pods again when one has gone, but not more often than every 30 s if it is not told to.
                     ("grpc.dns_min_time_between_resolutions_ms", 1000)]))
        self.stub = session_service_pb2_grpc.SessionServiceStub(self._channels[-1])

    def offer(self, *arguments, **options):
        response = self.stub.ProcessOffer(offer_request(*arguments, **options), timeout=CALL_TIME)
        assert response.outcome.HasField("forward"), response
        return Offered(response)

    def answer(self, offered, phone_address, digest):
        response = self.stub.ProcessAnswer(answer_request(offered, phone_address, digest), timeout=CALL_TIME)
        assert response.outcome.HasField("forward"), response

    def release(self, session_id):
        self.stub.ReleaseSession(messages.ReleaseSessionRequest(session_id=session_id), timeout=CALL_TIME)

    def state(self, session_id):
        """The instance a session is at, or the code and the reason of the error."""
        try:
            response = self.stub.GetSession(messages.GetSessionRequest(session_id=session_id), timeout=CALL_TIME)
            return {"gateway": response.session.gateway_instance_id}
        except grpc.RpcError as error:
            return {"code": error.code().name, "reason": reason_of(error)}


class Phone:
    """Where phones are, and the certificate that all of them have."""

    def __init__(self, address, folder):
        self.address = address
        self.certificate_file, self.key_file = f"{folder}/phone.crt", f"{folder}/phone.key"
        self.digest = digest_of_pem(pathlib.Path(self.certificate_file).read_text(encoding="ascii"))


def send(connection, text):
    """On a thread, since a long text does not fit between the two ends. Who receives notices if it fails."""
    with contextlib.suppress(OSError):
        connection.sendall(text)


def receive(connection, count):
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        assert piece, f"the connection has ended after {len(received)} of {count} octets"
        received += piece
    return received


class Session:
    """A chat, from the offer to the release. `gateway` is the address of its IMS-AGW."""

    def __init__(self, network_function, phone):
        self._function, self._phone = network_function, phone
        self._numbers = itertools.count()
        self.listener = socket.create_server((phone.address, 0))
        self.listener.settimeout(MEDIA_TIME)
        self.offered = None
        self.gateway = ""
        self.phone_end = self.core_end = None

    def offer(self, **options):
        self.offered = self._function.offer(self._phone.address, self.listener.getsockname()[1], **options)
        self.gateway = self.offered.host

    def answer(self):
        self._function.answer(self.offered, self._phone.address, self._phone.digest)

    def connect(self, connection=None):
        """The phone and, behind the IMS-AGW, the core."""
        connection = connection or socket.create_connection((self.offered.host, self.offered.port), MEDIA_TIME)
        connection.settimeout(MEDIA_TIME)
        self.phone_end = start_tls(connection, self._phone)
        shown = hashlib.sha256(self.phone_end.getpeercert(binary_form=True)).digest().hex(":").upper()
        assert shown == self.offered.digest, "the IMS-AGW shows another certificate than it has announced"
        if self.core_end is None:
            self.accept()

    def accept(self):
        self.core_end, _ = self.listener.accept()
        self.core_end.settimeout(MEDIA_TIME)

    def talk(self, size=200):
        for source, sink in ((self.phone_end, self.core_end), (self.core_end, self.phone_end)):
            text = f"message {next(self._numbers)} ".encode().ljust(size, b"x")
            sender = threading.Thread(target=send, args=(source, text), daemon=True)
            sender.start()
            assert receive(sink, size) == text, "other octets than were sent"
            sender.join()

    def release(self):
        self._function.release(self.offered.session_id)
        for end in (self.phone_end, self.core_end):
            try:
                assert end.recv(1) == b"", "octets after the release"
            except ConnectionResetError:
                pass

    def close(self):
        for end in (self.listener, self.phone_end, self.core_end):
            if end is not None:
                end.close()


class Load:
    """So many new sessions a second, each talking all the time until it is released."""

    def __init__(self, peers, rate, hold):
        self._peers, self._rate, self._hold = peers, rate, hold
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self.begun = self.completed = 0
        self.failures = []
        self.gateways = {}  # Sessions by the address of their IMS-AGW.
        self._threads = []
        self._starter = threading.Thread(target=self._start_sessions, daemon=True)
        self._starter.start()

    def _start_sessions(self):
        due = time.monotonic()
        while not self._ends.wait(max(0, due - time.monotonic())):
            due += 1 / self._rate
            self.begun += 1
            thread = threading.Thread(target=self._one_session, daemon=True)
            thread.start()
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]

    def _one_session(self):
        session = self._peers.new_session()
        begin = time.time()
        stage = "offer"
        try:
            session.offer()
            with self._lock:
                self.gateways[session.gateway] = self.gateways.get(session.gateway, 0) + 1
            stage = "answer"
            session.answer()
            stage = "connect"
            session.connect()
            stage = "talk"
            end = time.monotonic() + self._hold
            while time.monotonic() < end:
                session.talk()
                time.sleep(0.1)
            stage = "release"
            session.release()
            with self._lock:
                self.completed += 1
        except (OSError, AssertionError, grpc.RpcError) as error:
            text = f"{error.code().name} {reason_of(error)}: {error.details()}" if isinstance(error, grpc.RpcError) else repr(error)
            with self._lock:
                self.failures.append({"stage": stage, "gateway": session.gateway, "error": text, "begin": begin, "end": time.time()})
        finally:
            session.close()

    def counts(self):
        with self._lock:
            return {"begun": self.begun, "completed": self.completed, "failures": list(self.failures), "gateways": dict(self.gateways)}

    def stop(self):
        """No new sessions; those that are end by themselves."""
        self._ends.set()
        self._starter.join()
        for thread in self._threads:
            thread.join()
        return self.counts()


class Peers:
    """What can be asked of this pod."""

    def __init__(self, target, pods, name, address, folder):
        self._functions = [NetworkFunction(target, name, folder), NetworkFunction(pods, name, folder)]
        self._turn = itertools.cycle(self._functions)
        self._phone = Phone(address, folder)
        self._sessions = {}
        self._load = None

    def new_session(self):
        return Session(next(self._turn), self._phone)

    def flow(self, core_connect):
        """The call flow of TS 23.334 clause 6.2.10.3.1.2, with a phone that is early; says what was seen."""
        session = self.new_session()
        try:
            session.offer(core_connect=core_connect)
            early = socket.socket()
            early.setblocking(False)
            early.connect_ex((session.offered.host, session.offered.port))
            refused_or_let_in = bool(select.select([], [early], [], 0.4)[1])
            session.answer()
            # The phone's next SYN is due a second after its first.
            core_first = bool(select.select([session.listener], [], [], 0.3)[0])
            if core_first:
                session.accept()
            begin = time.monotonic()
            assert select.select([], [early], [], MEDIA_TIME)[1], "the phone's second SYN was not answered"
            waited = time.monotonic() - begin
            error = early.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            assert error == 0, f"the phone's connection: error {error}"
            session.connect(early)
            session.talk()
            session.talk(size=1_000_000)
            session.release()
            state = self.state(session.offered.session_id)
            return {"refused_or_let_in": refused_or_let_in, "core_first": core_first, "waited": waited, "state": state}
        finally:
            session.close()

    def open(self):
        """A session that stays; its id, and where it is."""
        session = self.new_session()
        session.offer()
        session.answer()
        session.connect()
        session.talk()
        self._sessions[session.offered.session_id] = session
        return {"session_id": session.offered.session_id} | self.state(session.offered.session_id)

    def talk(self, session_id):
        """Whether octets still pass both ways."""
        try:
            self._sessions[session_id].talk()
            return True
        except (OSError, AssertionError):
            return False

    def state(self, session_id):
        return next(self._turn).state(session_id)

    def close(self, session_id):
        """Both ends hang up, and the network function says so."""
        session = self._sessions.pop(session_id)
        next(self._turn).release(session_id)
        session.close()
        return True

    def reconnect(self):
        for function in self._functions:
            function.connect()
        return True

    def load(self, rate, hold):
        self._load = Load(self, rate, hold)
        return True

    def load_counts(self):
        return self._load.counts()

    def stop_load(self):
        return self._load.stop()


def main():
    peers = Peers(*sys.argv[1:])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = {"ok": getattr(peers, request.pop("do"))(**request)}
        except Exception:  # Whatever it was, the test is to know.
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
