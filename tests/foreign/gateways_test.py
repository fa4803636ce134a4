"""Two IMS-AGWs, of which one hangs or is killed."""

import signal
import time
import unittest

import grpc
from ims.alg.v1 import session_service_pb2 as messages
from junit import main
from service_processes import (
    PATIENCE, Certificate, Services, Session, has_logged, reason_of, wait_until)

# The goal is half a second; a busy machine has the rest. One time-out of a call is 5 s.
OFFER_TIME_LIMIT = 1.5


class GatewaysTest(unittest.TestCase):

    def setUp(self):
        self.services = self.enterContext(
            Services(agw_count=2, alg_config={"gateways": {"status_interval": "1s"}}))
        self.certificate = Certificate(self.services.folder, "phone")
        wait_until(lambda: self.up_count() == 2, "both IMS-AGWs are up")

    def up_count(self):
        return self.services.alg_metric('iqgate_alg_gateways{state="up"}')

    def session_on_each(self):
        """A session on each IMS-AGW, by number."""
        sessions = {}
        while len(sessions) < 2:
            session = Session(self.services, self.certificate)
            state = self.services.alg.GetSession(
                messages.GetSessionRequest(session_id=session.offered.session_id), timeout=PATIENCE)
            sessions[int(state.session.gateway_instance_id[-1])] = session
        return sessions

    def error_of(self, session):
        """What the IMS-ALG says of a session: the code and the reason of an error, or None."""
        try:
            self.services.alg.GetSession(
                messages.GetSessionRequest(session_id=session.offered.session_id), timeout=PATIENCE)
            return None
        except grpc.RpcError as error:
            return error.code(), reason_of(error)

    def test_no_offer_fails_or_is_slow_while_one_hangs(self):
        sessions = self.session_on_each()
        contexts = self.services.agw_metric("iqgate_agw_contexts")
        self.services.agw_processes[0].send_signal(signal.SIGSTOP)
        # Well beyond the two intervals of silence after which nobody asks the hanging one any more.
        end = time.monotonic() + 4
        durations = []
        while time.monotonic() < end:
            start = time.monotonic()
            Session(self.services, self.certificate)
            durations.append(time.monotonic() - start)
            time.sleep(0.05)
        self.assertLess(max(durations), OFFER_TIME_LIMIT, durations)
        self.assertEqual(self.up_count(), 1)
        # Silence is no loss.
        code, reason = self.error_of(sessions[0])
        self.assertEqual(code, grpc.StatusCode.UNAVAILABLE, reason)
        self.assertIsNone(self.error_of(sessions[1]))

        self.services.agw_processes[0].send_signal(signal.SIGCONT)
        wait_until(lambda: self.error_of(sessions[0]) is None, "the session is known again")
        wait_until(lambda: self.up_count() == 2, "both IMS-AGWs are up again")
        wait_until(lambda: self.services.agw_metric("iqgate_agw_contexts") == contexts,
                   "what it reserved too late is released")

    def test_the_alg_ends_while_it_still_takes_back_what_comes_too_late(self):
        self.services.agw_processes[0].send_signal(signal.SIGSTOP)
        for _ in range(50):  # Half of them ask the one that hangs first.
            Session(self.services, self.certificate)
            if has_logged(self.services.alg_process, "gateway_late"):
                break
        else:
            self.fail("no IMS-AGW was late")
        self.services.alg_process.terminate()
        self.assertEqual(self.services.wait_for_end(self.services.alg_process), 0)

    def test_DP_15_sessions_of_a_killed_one_are_lost_at_once(self):
        sessions = self.session_on_each()
        self.services.kill(self.services.agw_processes[0])
        lost = (grpc.StatusCode.NOT_FOUND, "GATEWAY_LOST")
        # The goal is 2 s; a busy machine has the rest.
        wait_until(lambda: self.error_of(sessions[0]) == lost, "GATEWAY_LOST", timeout=4)
        self.assertEqual(self.services.alg_metric('iqgate_alg_gateway_lost_total{reason="refused"}'), 1)
        self.assertIsNone(self.error_of(sessions[1]))
        Session(self.services, self.certificate)


if __name__ == "__main__":
    main()
