"""What ends do to the system: sessions in which all is well, and every kind of trouble.

Ends are sockets of this program: phones with TLS, core peers, and network functions that call the IMS-ALG.
"""

import contextlib
import itertools
import random
import select
import socket
import ssl
import struct
import threading
import time

import grpc
from ims.alg.v1 import session_pb2, session_service_pb2 as alg
from ims.iq.v1 import media_gateway_service_pb2 as iq, termination_pb2
from processes import DENIED_PHONE, PATIENCE
from service_processes import Offered, answer_request, offer_request, start_tls

PHONE, OTHER_PHONE = "127.0.3.1", "127.0.3.2"
CORE = "127.0.4.1"
# What goes wrong for an end in a session that meets trouble.
ENDS = (OSError, ssl.SSLError, grpc.RpcError, AssertionError)

_numbers = itertools.count()


def offer(stub, core_port, **choices):
    """An offer of a core peer; `choices` as of offer_request(). AssertionError if it does not go on."""
    response = stub.ProcessOffer(offer_request(CORE, core_port, **choices), timeout=5)
    assert response.outcome.HasField("forward"), response
    return Offered(response)


def answer(stub, offered, digest):
    response = stub.ProcessAnswer(answer_request(offered, PHONE, digest), timeout=5)
    assert response.outcome.HasField("forward"), response


def release(stub, offered):
    stub.ReleaseSession(alg.ReleaseSessionRequest(session_id=offered.session_id), timeout=5)


def phone_of(offered, source=PHONE):
    """Its TCP connection to T1."""
    return socket.create_connection((offered.host, offered.port), 5, source_address=(source, 0))


class Chat(threading.Thread):
    """A session in which all goes well, from the offer to the release, which comes after `seconds` or when `stopped` is set.

    `early`: the phone's first SYN comes before its answer is here, and is dropped.
    """

    def __init__(self, stub, certificate, core_connect, early, seconds, stopped, on_end):
        super().__init__(daemon=True)
        self._stub, self._certificate, self._core_connect, self._early = stub, certificate, core_connect, early
        self._seconds, self._stopped, self._on_end = seconds, stopped, on_end

    def run(self):
        try:
            self._talk()
            self._on_end(None)
        except ENDS as error:
            self._on_end(error)

    def _talk(self):
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.create_server((CORE, 0)))
            listener.settimeout(PATIENCE)
            offered = offer(self._stub, listener.getsockname()[1], core_connect=self._core_connect, early_syn="EARLY_SYN_DROP")
            stack.callback(self._release, offered)
            if self._early:
                with socket.socket() as early:
                    early.bind((PHONE, 0))
                    early.setblocking(False)
                    early.connect_ex((offered.host, offered.port))
                    select.select([], [early], [], 0.05)
            answer(self._stub, offered, self._certificate.digest)
            phone = stack.enter_context(start_tls(phone_of(offered), self._certificate))
            core = stack.enter_context(listener.accept()[0])
            phone.settimeout(PATIENCE)
            core.settimeout(PATIENCE)
            end = time.monotonic() + self._seconds
            while time.monotonic() < end and not self._stopped.is_set():
                size = random.choice((200, 2000, 20000))
                self._send(phone, core, size)
                self._send(core, phone, size // 2)
                self._stopped.wait(0.5)

    def _release(self, offered):
        with contextlib.suppress(grpc.RpcError):
            release(self._stub, offered)

    @staticmethod
    def _send(source, sink, size):
        source.sendall(b"m" * size)
        while size:
            data = sink.recv(size)
            if not data:
                raise ConnectionError("the session ended")
            size -= len(data)


class Chats:
    """Begins `rate` chats a second, in both call flows, at one IMS-ALG after the other, until it is stopped."""

    def __init__(self, stubs, certificate, rate, seconds):
        self._lock = threading.Lock()
        self._stubs, self._certificate, self._interval, self._seconds = stubs, certificate, 1 / rate, seconds
        self.good_count, self.errors = 0, []
        self._chats = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()
        for chat in self._chats:
            chat.join()

    def _run(self):
        flows = itertools.cycle(itertools.product(
            ["CORE_CONNECT_TRIGGERED", "CORE_CONNECT_ALG_ORDERED"], self._stubs, [True, False, False, False]))
        while not self._stopped.wait(self._interval):
            core_connect, stub, early = next(flows)
            self._chats = [chat for chat in self._chats if chat.is_alive()]
            self._chats.append(Chat(stub, self._certificate, core_connect, early, self._seconds, self._stopped, self._on_end))
            self._chats[-1].start()

    def _on_end(self, error):
        with self._lock:
            if error is None:
                self.good_count += 1
            else:
                self.errors.append(error)


class Repeated:
    """A context manager: does `what` again and again, `rate` times a second, on a thread. Ends that fail do not matter."""

    def __init__(self, what, rate):
        self._what, self._interval = what, 1 / rate
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()

    def _run(self):
        while not self._stopped.wait(self._interval):
            with contextlib.suppress(*ENDS):
                self._what()


class Troublemaker:
    """Ends that do what they should not, or have it done to them."""

    def __init__(self, stubs, certificate, other_certificate):
        self._stubs = itertools.cycle(stubs)
        self._certificate, self._other_certificate = certificate, other_certificate
        # A port of the core that nobody listens at, and one whose backlog is full: SYNs to it are not answered.
        closed = socket.create_server((CORE, 0))
        self._closed_port = closed.getsockname()[1]
        closed.close()
        self._full = socket.socket()
        self._full.bind((CORE, 0))
        self._full.listen(0)
        self._silent_port = self._full.getsockname()[1]
        self._fillers = [socket.socket() for _ in range(3)]
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex((CORE, self._silent_port))

    def _answered(self, core_port, **choices):
        """A session up to its answer, and the way to end it."""
        stub = next(self._stubs)
        offered = offer(stub, core_port, **choices)
        answer(stub, offered, self._certificate.digest)
        return stub, offered

    @contextlib.contextmanager
    def _phone(self, **choices):
        """The phone's connection of a session of which the core does not matter, without TLS. It is released afterwards."""
        with socket.create_server((CORE, 0)) as listener:
            stub, offered = self._answered(listener.getsockname()[1], **choices)
            try:
                with phone_of(offered) as phone:
                    phone.settimeout(5)
                    yield phone
            finally:
                release(stub, offered)

    def wrong_certificate(self):
        with self._phone() as phone:
            start_tls(phone, self._other_certificate).recv(1)

    def no_certificate(self):
        with self._phone() as phone:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            tls.wrap_socket(phone).recv(1)

    def no_tls(self):
        with self._phone() as phone:
            phone.sendall(b"MSRP 1234 SEND\r\n")
            phone.recv(1)

    def hangs_up_in_the_handshake(self):
        with self._phone():
            pass

    def resets(self):
        """An established session that the phone ends with RST."""
        with socket.create_server((CORE, 0)) as listener:
            stub, offered = self._answered(listener.getsockname()[1])
            phone = start_tls(phone_of(offered), self._certificate)
            listener.settimeout(5)
            with listener.accept()[0] as core:
                core.sendall(b"m")
                phone.recv(1)
                phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                phone.close()
            release(stub, offered)

    def core_refuses(self):
        """Nobody releases it: the IMS-AGW does, after hold_time."""
        _, offered = self._answered(self._closed_port)
        with phone_of(offered) as phone:
            phone.settimeout(1)
            phone.recv(1)

    def core_is_silent(self):
        _, offered = self._answered(self._silent_port)
        with phone_of(offered):
            time.sleep(3)

    def phone_never_comes(self):
        self._answered(self._closed_port)

    def phone_never_answers(self):
        offer(next(self._stubs), self._closed_port)

    def stranger_connects(self):
        """From another address than the phone's: its SYN is dropped."""
        stub, offered = self._answered(self._closed_port)
        with socket.socket() as stranger:
            stranger.bind((OTHER_PHONE, 0))
            stranger.settimeout(0.3)
            with contextlib.suppress(TimeoutError):
                stranger.connect((offered.host, offered.port))
        release(stub, offered)

    def denied_address_connects(self):
        """To a gate that lets anybody in, from an address that the realm does not: it is reset."""
        stub = next(self._stubs)
        offered = offer(stub, self._closed_port, early_syn="EARLY_SYN_LATCH")
        with phone_of(offered, DENIED_PHONE) as phone, contextlib.suppress(OSError):
            phone.recv(1)
        release(stub, offered)

    def rejected_offer(self):
        request = offer_request(CORE, self._closed_port)
        request.ClearField("e2ae_support")
        next(self._stubs).ProcessOffer(request, timeout=5)

    def malformed_offer(self):
        next(self._stubs).ProcessOffer(alg.ProcessOfferRequest(
            request_id=f"malformed-{next(_numbers)}", direction=session_pb2.DIRECTION_TERMINATING, sdp=b"v=0\r\n"), timeout=5)

    def deviating_offer(self):
        """One that breaks RFC 8866 where it does not matter."""
        request = offer_request(CORE, self._closed_port)
        request.sdp = request.sdp.replace(b"s=-\r\n", b"s=\r\n").replace(b"t=0 0\r\n", b"t=0 0 \r\n")
        stub = next(self._stubs)
        release(stub, Offered(stub.ProcessOffer(request, timeout=5)))


class Callers:
    """Who calls gRPC with a certificate of the authority, but under a name that is not allowed."""

    def __init__(self, system):
        self._agw, self._alg = system.agw_stub(0, "stranger"), system.alg_stub(0, "stranger")

    def call(self):
        with contextlib.suppress(grpc.RpcError):
            self._agw.GetStatus(iq.GetStatusRequest(), timeout=5)
        with contextlib.suppress(grpc.RpcError):
            self._alg.GetSession(alg.GetSessionRequest(session_id="x"), timeout=5)


class Reservations:
    """T1s that are reserved at an IMS-AGW, without an IMS-ALG. Each takes a context, a port and two descriptors."""

    def __init__(self, stub):
        self._stub = stub
        self._contexts = []

    def reserve(self, count):
        """Until there are that many."""
        while len(self._contexts) < count:
            self._contexts.append(self._reserve_one())

    def reserve_one_too_many(self):
        with contextlib.suppress(grpc.RpcError):
            self._contexts.append(self._reserve_one())

    def _reserve_one(self):
        context = f"reserved-{next(_numbers)}"
        self._stub.ReserveConnectionPoint(iq.ReserveConnectionPointRequest(
            termination=termination_pb2.TerminationId(context_id=context, stream_id=1, side=termination_pb2.SIDE_ACCESS),
            transaction_id=f"{context}-reserve",
            local=termination_pb2.LocalDescriptor(
                transport_protocol=termination_pb2.TRANSPORT_PROTOCOL_TCP_TLS, setup_mode=termination_pb2.SETUP_MODE_ACTPASS,
                certificate_fingerprint_request=True),
            bearer_control=termination_pb2.BearerControl(
                syn_policy=termination_pb2.SynPolicy(drop_all=termination_pb2.SynPolicy.DropAll()))), timeout=5)
        return context

    def release(self, left):
        while len(self._contexts) > left:
            context = self._contexts.pop()
            self._stub.ReleaseTermination(iq.ReleaseTerminationRequest(
                termination=termination_pb2.TerminationId(context_id=context), transaction_id=f"{context}-release"), timeout=5)
