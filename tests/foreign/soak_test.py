"""Sessions of every kind and abuse of every kind at the same time, for as long as one likes: what the IMS-AGW
holds in the end is what it held in the beginning.

A minute as a test; SOAK_SECONDS in the environment asks for longer, for figures:

    bazel test -c opt --test_env=SOAK_SECONDS=1800 --test_timeout=3600 --test_output=all //tests/foreign:soak_test
"""

import collections
import contextlib
import itertools
import os
import random
import socket
import ssl
import threading
import time
import traceback
import unittest

import grpc
from ims.iq.v1 import media_gateway_service_pb2 as messages, media_gateway_service_pb2_grpc, termination_pb2 as iq
from iq_context import Context, path
from junit import main
from msrp_end import MsrpEnd
from service_processes import PATIENCE, Certificate, Services, wait_until

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
THREADS = 20

# The load pauses so often that memory can be looked at.
WINDOWS = max(4, int(SECONDS / 120))

_SLOT = f"127.{50 + os.getpid() // 250 % 50}.{1 + os.getpid() % 250}"
ACCESS, CORE = [f"{_SLOT}.10", "::1"], [f"{_SLOT}.20", "::1"]
HOSTS = [{"ue": f"{_SLOT}.30", "peer": f"{_SLOT}.40"}, {"ue": "::1", "peer": "::1"}]

# Short, so that what is silent ends.
SETUP = {"await_configuration": "5s", "tcp_establishment": "6s", "tls_establishment": "3s"}

# What a context leaves: the reply to its release, for a minute.
KEPT_PER_RELEASE = 400
KEPT_SECONDS = 70

# Heaps breathe.
ALLOWANCE = 3 << 20


class Load:
    """What the threads do, by name; each is one session."""

    def __init__(self, iq_stub, certificate, strangers_certificate):
        self._iq, self._certificate, self._stranger = iq_stub, certificate, strangers_certificate

    def kinds(self):
        return {name.removeprefix("_do_"): getattr(self, name) for name in dir(self) if name.startswith("_do_")}

    def _new(self, dice, tls=True, msrp=False):
        return Context(self._iq, dice.choice(HOSTS), self._certificate if tls else None, msrp)

    # Sessions as they should be.

    def _do_chat(self, dice):
        with self._new(dice, tls=dice.random() < 0.8) as context:
            context.establish()
            for _ in range(dice.randrange(1, 10)):
                message = dice.randbytes(dice.randrange(1, 2000))
                for source, sink in ((context.ue, context.core), (context.core, context.ue)):
                    source.sendall(message)
                    self._expect(sink, message)
            context.release()

    def _do_bulk_up(self, dice):
        with self._new(dice) as context:
            context.establish()
            self._move(dice, context.ue, context.core)
            context.release()

    def _do_bulk_down(self, dice):
        with self._new(dice) as context:
            context.establish()
            self._move(dice, context.core, context.ue)
            context.release()

    def _do_messages(self, dice):
        """Application-aware."""
        with self._new(dice, msrp=True) as context:
            context.establish()
            ue_path = path(*context.ue.getsockname()[:2], "ue", "msrps")
            core_path = path(*context.listener.getsockname()[:2], "core")
            t1, t2 = ((address.ip_address, address.port) for address in (context.t1, context.t2))
            ue = MsrpEnd(context.ue, ue_path, [path(*t1, "core", "msrps")])
            core = MsrpEnd(context.core, core_path, [path(*t2, "ue")])
            for _ in range(dice.randrange(1, 5)):
                body = dice.randbytes(dice.randrange(1, 5000)).replace(b"\r\n-------", b"")
                for source, sink in ((ue, core), (core, ue)):
                    source.send("SEND", ["Message-ID: m", f"Byte-Range: 1-{len(body)}/{len(body)}",
                                         "Content-Type: application/octet-stream"], body)
                    frame = sink.receive()
                    assert frame.body == body
                    sink.respond(frame)
                    assert source.receive().code == 200
            context.release()

    def _do_replaced(self, dice):
        with self._new(dice) as context:
            context.establish()
            context.answer(connection_request="CONNECTION_REQUEST_NEW").connect_ue().start_tls()
            context.ue.sendall(b"next")
            self._expect(context.core, b"next")
            context.release()

    def _do_ordered(self, dice):
        with self._new(dice) as context:
            context.reserve(interlinked=False).answer().connect_ue().order_core().accept_core().start_tls()
            context.ue.sendall(b"ordered")
            self._expect(context.core, b"ordered")
            context.release()

    def _do_end_by_peers(self, dice):
        with self._new(dice, tls=False) as context:
            context.establish()
            for end in dice.sample([context.ue, context.core], 2):
                end.shutdown(socket.SHUT_WR)
            assert context.ue.recv(1) == context.core.recv(1) == b""
            context.release()

    # Sessions that end badly.

    def _do_release_amid(self, dice):
        with self._new(dice) as context:
            context.establish()
            self._fill(context.core)
            context.release()

    def _do_reset_amid(self, dice):
        with self._new(dice) as context:
            context.establish()
            source, other = dice.sample([context.ue, context.core], 2)
            self._fill(source)
            context.reset(other)
            context.release()

    def _do_slow_reader(self, dice):
        with self._new(dice) as context:
            context.establish()
            sent = self._fill(context.core)
            time.sleep(0.5)
            while sent > 0:
                sent -= len(context.ue.recv(65536))
            context.release()

    def _do_refused_core(self, dice):
        with self._new(dice) as context:
            context.reserve().answer()
            context.listener.close()
            with contextlib.suppress(OSError):
                context.connect_ue().start_tls()
            context.release()

    def _do_forgotten(self, dice):
        """The IMS-ALG has gone; the context goes by itself."""
        with self._new(dice) as context:
            if dice.random() < 0.5:
                context.establish()
            else:
                context.reserve()

    # Abuse.

    def _do_plaintext(self, dice):
        self._be_refused(dice, lambda ue: ue.sendall(b"GET / HTTP/1.1\r\nHost: t1\r\n\r\n"))

    def _do_garbage(self, dice):
        self._be_refused(dice, lambda ue: ue.sendall(b"\x16\x03\x01" + dice.randbytes(400)))

    def _do_silent_ue(self, dice):
        """Until its time is up, and that of the other attempts."""
        self._be_refused(dice, lambda ue: None)

    def _do_slow_handshake(self, dice):
        def send(ue):
            hello = ssl.MemoryBIO()
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
            for octet in hello.read():
                ue.sendall(bytes([octet]))
                time.sleep(0.05)
        self._be_refused(dice, send)

    def _do_wrong_certificate(self, dice):
        with self._new(dice) as context:
            context.reserve().answer()
            for _ in range(3):
                with contextlib.suppress(OSError):
                    context.connect_ue(timeout=1).accept_core(timeout=1).start_tls(self._stranger).ue.recv(1)
                context.ue.close()
            context.release()

    def _do_resets(self, dice):
        """As soon as there is a connection."""
        with self._new(dice) as context:
            context.reserve().answer()
            with contextlib.suppress(OSError):
                for _ in range(10):
                    context.connect_ue(timeout=0.5)
                    context.reset(context.ue)
            context.release()

    def _do_strangers(self, dice):
        """SYNs from elsewhere, which nobody answers, before there is an answer and afterwards."""
        with self._new(dice) as context:
            context.reserve()
            if dice.random() < 0.5:
                context.answer()
            with contextlib.ExitStack() as stack:
                family = socket.AF_INET6 if ":" in context.t1.ip_address else socket.AF_INET
                for _ in range(20):
                    stranger = stack.enter_context(socket.socket(family))
                    stranger.setblocking(False)
                    stranger.connect_ex((context.t1.ip_address, context.t1.port))
                time.sleep(0.1)
            context.release()

    def _be_refused(self, dice, act):
        with self._new(dice) as context:
            context.reserve().answer().connect_ue()
            with contextlib.suppress(OSError):
                act(context.ue)
                while context.ue.recv(4096):
                    pass
            context.release()

    @staticmethod
    def _expect(sink, octets):
        received = b""
        while len(received) < len(octets):
            part = sink.recv(65536)
            assert part, f"ended behind {len(received)} octets"
            received += part
        assert received == octets, "other octets"

    @staticmethod
    def _move(dice, source, sink):
        """Some megabytes, which must be the same at the other end."""
        block = dice.randbytes(1 << 16)
        count = dice.randrange(16, 65)
        failure = []

        def send():
            try:
                for number in range(count):
                    source.sendall(number.to_bytes(4, "big") + block)
            except OSError as error:
                failure.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            for number in range(count):
                expected, received = number.to_bytes(4, "big") + block, bytearray()
                while len(received) < len(expected):
                    part = sink.recv(len(expected) - len(received))
                    assert part, f"ended in block {number}: {failure}"
                    received += part
                assert received == expected, f"block {number} is another"
        finally:
            sink.settimeout(PATIENCE)
            sender.join()

    @staticmethod
    def _fill(source):
        """Sends until nothing is taken any more; returns how much that was."""
        source.settimeout(0.2)
        sent = 0
        with contextlib.suppress(TimeoutError, ssl.SSLWantWriteError):
            while sent < 64 << 20:
                sent += source.send(b"x" * 65536)
        source.settimeout(PATIENCE)
        return sent


class SoakTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.services = cls.enterClassContext(Services(access=ACCESS, core=CORE, agw_config={
            "worker_count": 2, "hold_time": "8s", "half_close_time": "3s", "setup": SETUP,
            "notification_log_size": 256}, realm_config={"port_quarantine": "1s"}))
        cls.pid = cls.services.agw_process.pid
        channel = cls.enterClassContext(grpc.insecure_channel(f"127.0.0.1:{cls.services.agw_ports['iq_port']}"))
        cls.iq = media_gateway_service_pb2_grpc.MediaGatewayServiceStub(channel)
        cls.load = Load(cls.iq, Certificate(cls.services.folder, "phone"), Certificate(cls.services.folder, "other"))

    def _pss(self):
        """Octets of memory that are the IMS-AGW's own."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file.read().splitlines()[1:])
        return int(fields["Pss"].split()[0]) << 10

    def _cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _descriptor_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _thread_count(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def _wait_until_idle(self):
        """No context is left, stuck or forgotten; all ports have rested."""
        def contexts():
            return list(self.iq.ListContexts(messages.ListContextsRequest(), timeout=PATIENCE).context_ids)
        wait_until(lambda: not contexts(), f"all contexts are gone: {contexts()}", timeout=30)
        wait_until(lambda: not any(self.services.agw_metrics("iqgate_agw_realm_ports_in_use").values()),
                   "all ports are back", timeout=30)

    def _run_window(self, seconds, counts):
        """Sessions from all threads, for some seconds. A failure of one ends the test."""
        deadline = time.monotonic() + seconds
        failures = []

        def work(dice):
            kinds = self.load.kinds()
            while time.monotonic() < deadline and not failures:
                name = dice.choice(list(kinds))
                try:
                    kinds[name](dice)
                    with self._lock:
                        counts[name] += 1
                except Exception:  # pylint: disable=broad-except
                    failures.append(f"{name}:\n{traceback.format_exc()}")

        threads = [threading.Thread(target=work, args=(random.Random(next(self._seeds)),)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            self.fail("\n".join(failures))

    def test_sessions_and_abuse_of_every_kind_leave_nothing(self):
        self._lock, self._seeds = threading.Lock(), itertools.count(1)
        counts, points = collections.Counter(), []
        self._run_window(min(5, SECONDS / 10), counts)  # What is made at first use is made.
        self._wait_until_idle()
        descriptors, thread_count = self._descriptor_count(), self._thread_count()
        start, cpu_start = time.monotonic(), self._cpu_seconds()
        for _ in range(WINDOWS):
            self._run_window(SECONDS / WINDOWS, counts)
            self._wait_until_idle()
            self.assertIsNone(self.services.agw_process.poll(), "the IMS-AGW lives")
            wait_until(lambda: self._descriptor_count() <= descriptors,
                       f"{descriptors} descriptors instead of {self._descriptor_count()}")
            self.assertEqual(self._thread_count(), thread_count)
            points.append((time.monotonic() - start, counts.total(), self._pss()))
            print(f"{points[-1][0]:6.0f} s {counts.total():8d} sessions {points[-1][2] / 1024:10.0f} KiB", flush=True)
        print(f"{self._cpu_seconds() - cpu_start:.1f} s of CPU; sessions by kind: "
              f"{', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}", flush=True)
        for name in self.load.kinds():
            self.assertGreater(counts[name], 0, name)
        # Of the first window heaps have their size. Replies to releases are kept for a while.
        recent = max(last[1] - first[1] for first, last in itertools.combinations(points, 2)
                     if last[0] - first[0] <= max(KEPT_SECONDS, SECONDS / WINDOWS + 30))
        self.assertLess(points[-1][2], points[0][2] + ALLOWANCE + KEPT_PER_RELEASE * recent, points)


if __name__ == "__main__":
    main()
