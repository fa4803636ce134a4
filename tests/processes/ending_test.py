"""SIGTERM with a session that lives, a second SIGTERM, and SIGKILL of either service."""

import signal
import ssl
import unittest
import urllib.error
import urllib.request

import grpc
from ims.alg.v1 import session_service_pb2 as messages
from junit import main
from service_processes import (
    CORE_PEER, PATIENCE, Certificate, Services, Session, has_logged, offer_request, start_tls, wait_until)


class LiveSession(Session):
    """A session with a connection through it, from the phone's TLS to the core."""

    def __init__(self, services, certificate):
        super().__init__(services, certificate)
        self.phone = start_tls(self.connect_phone(), certificate)
        self.core = self.accept_core()

    def close(self):
        self.phone.close()
        self.core.close()
        self.core_listener.close()

    def carries(self, text):
        """Whether bytes pass in both directions."""
        for source, sink in ((self.phone, self.core), (self.core, self.phone)):
            source.sendall(text)
            received = b""
            while len(received) < len(text):
                piece = sink.recv(4096)
                if not piece:
                    return False
                received += piece
            if received != text:
                return False
        return True


class EndingTest(unittest.TestCase):

    def start(self, **options):
        services = self.enterContext(Services(**options))
        session = LiveSession(services, Certificate(services.folder, "phone"))
        self.addCleanup(session.close)
        self.assertTrue(session.carries(b"before"))
        return services, session

    @staticmethod
    def is_ready(http_port):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{http_port}/readyz", timeout=PATIENCE).close()
            return True
        except urllib.error.HTTPError as error:
            return error.code != 503

    def expect_closed(self, session):
        for connection in (session.phone, session.core):
            connection.settimeout(PATIENCE)
            try:
                self.assertEqual(connection.recv(4096), b"")
            except (ConnectionResetError, ssl.SSLError):
                pass

    def expect_no_session_is_known(self, services, session, codes):
        """The IMS-ALG says so of the session, with one of these codes."""
        seen = []

        def says_so():
            try:
                services.alg.GetSession(
                    messages.GetSessionRequest(session_id=session.offered.session_id), timeout=PATIENCE)
                seen.append("OK")
            except grpc.RpcError as error:
                seen.append(error.code())
            return seen[-1] in codes

        wait_until(says_so, f"GetSession says {set(seen)}")

    def test_sigterm_lets_the_gateways_sessions_go_on_and_takes_no_new_ones(self):
        services, session = self.start(agw_config={"drain_time": "600s"})
        services.agw_process.terminate()
        wait_until(lambda: not self.is_ready(services.agw_ports["http_port"]), "the IMS-AGW is still ready")
        self.assertTrue(session.carries(b"while it drains"))
        with self.assertRaises(grpc.RpcError) as refused:
            services.alg.ProcessOffer(offer_request(CORE_PEER, 2855), timeout=PATIENCE)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertIsNone(services.agw_process.poll())
        # The last session gone, nothing keeps it.
        services.release(session.offered)
        self.assertEqual(services.agw_process.wait(PATIENCE), 0)

    def test_the_end_of_the_drain_time_ends_the_gateways_sessions(self):
        services, session = self.start(agw_config={"drain_time": "1s", "drain_close_time": "1s"})
        services.agw_process.terminate()
        self.assertEqual(services.agw_process.wait(PATIENCE), 0)
        self.expect_closed(session)
        self.assertTrue(has_logged(services.agw_process, "drain_deadline"))
        # Of both terminations.
        released = [line for line in services.agw_process.last_lines.copy() if '"event":"bearer_released"' in line]
        self.assertEqual(['"cause":"drain_deadline"' in line for line in released], [True, True])

    def test_a_second_sigterm_ends_the_gateways_sessions(self):
        services, session = self.start(agw_config={"drain_time": "600s"})
        services.agw_process.terminate()
        wait_until(lambda: not self.is_ready(services.agw_ports["http_port"]), "the IMS-AGW is still ready")
        services.agw_process.terminate()
        self.assertEqual(services.agw_process.wait(PATIENCE), 0)
        self.expect_closed(session)

    def test_sigterm_ends_the_alg_and_leaves_the_media_alone(self):
        services, session = self.start()
        services.alg_process.terminate()
        self.assertEqual(services.alg_process.wait(PATIENCE), 0)
        self.assertTrue(session.carries(b"without the IMS-ALG"))

    def test_a_second_sigterm_ends_the_alg_with_a_call_under_way(self):
        services, _ = self.start()
        services.agw_process.send_signal(signal.SIGSTOP)
        call = services.alg.ProcessOffer.future(offer_request(CORE_PEER, 2855), timeout=PATIENCE)
        # Its answer comes after the IMS-ALG has taken the offer.
        with self.assertRaises(grpc.RpcError):
            services.alg.GetSession(messages.GetSessionRequest(session_id="none"), timeout=PATIENCE)
        services.alg_process.terminate()
        wait_until(lambda: has_logged(services.alg_process, "stopping"), "the first SIGTERM is heard")
        services.alg_process.terminate()
        # Not 0, with which it would have ended after the call.
        self.assertEqual(services.wait_for_end(services.alg_process), 1)
        wait_until(lambda: has_logged(services.alg_process, "stopped_at_once"), "it says so")
        call.cancel()

    def test_sigkill_of_the_alg_loses_no_session(self):
        services, session = self.start()
        services.kill(services.alg_process)
        self.assertTrue(session.carries(b"without the IMS-ALG"))
        services.start_alg()
        state = services.alg.GetSession(
            messages.GetSessionRequest(session_id=session.offered.session_id),
            timeout=PATIENCE, wait_for_ready=True).session
        self.assertEqual(state.session_id, session.offered.session_id)
        services.release(session.offered)
        self.expect_closed(session)

    def test_sigkill_of_the_gateway_ends_its_sessions_and_no_others_begin_until_it_is_back(self):
        services, session = self.start()
        services.kill(services.agw_process)
        self.expect_closed(session)
        self.expect_no_session_is_known(
            services, session, (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND))
        services.start_agw()
        wait_until(lambda: self.is_ready(services.alg_ports["http_port"]), "the IMS-ALG is not ready")
        # Another incarnation: what was before is gone for good, and new sessions work.
        self.expect_no_session_is_known(services, session, (grpc.StatusCode.NOT_FOUND,))
        again = LiveSession(services, Certificate(services.folder, "phone"))
        self.addCleanup(again.close)
        self.assertTrue(again.carries(b"after"))


if __name__ == "__main__":
    main()
