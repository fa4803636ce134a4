"""An IMS-AGW that may open few files: it refuses sessions in time, and nothing that stands breaks."""

import unittest

import grpc
from junit import main
from service_processes import (
    Certificate, Services, Session, has_logged, reason_of, start_tls, wait_until)

SOFT_LIMIT, HARD_LIMIT = 64, 160
OFFERS = 60  # More than there is room for: a session takes four descriptors.


class DescriptorsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.services = cls.enterClassContext(
            Services(agw_config={"worker_count": 2}, descriptor_limits=(SOFT_LIMIT, HARD_LIMIT)))
        cls.certificate = Certificate(cls.services.folder, "phone")

    def _offer_until_refused(self):
        """The sessions that found room, and the errors of the rest."""
        sessions, errors = [], []
        for _ in range(OFFERS):
            try:
                sessions.append(Session(self.services, self.certificate))
            except grpc.RpcError as error:
                errors.append(error)
        return sessions, errors

    def _establish(self, session):
        """Both ends, with the phone's TLS on top."""
        phone = session.connect_phone()
        self.addCleanup(phone.close)
        core = session.accept_core()
        self.addCleanup(core.close)
        return start_tls(phone, self.certificate), core

    def _expect_bytes_to_flow(self, phone, core):
        phone.sendall(b"to the core")
        self.assertEqual(core.recv(64), b"to the core")
        core.sendall(b"to the phone")
        self.assertEqual(phone.recv(64), b"to the phone")

    def test_surplus_offers_are_refused_and_nothing_established_breaks(self):
        self.assertEqual(self.services.agw_metric("iqgate_agw_open_file_descriptors_limit"), HARD_LIMIT,
                         "the soft limit is to be raised")
        self.assertTrue(has_logged(self.services.agw_process, "descriptor_limit_below_context_limit"))
        first = Session(self.services, self.certificate)
        first_ends = self._establish(first)
        sessions, errors = self._offer_until_refused()
        self.assertGreater(len(sessions), 10)
        self.assertGreater(len(errors), 10)
        for error in errors:
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error)
            self.assertEqual(reason_of(error), "GATEWAY_FULL")

        # Who was let in gets through, all of them at once, and strangers do not matter.
        phones = [session.connect_phone() for session in sessions]
        ends = [(start_tls(phone, self.certificate), session.accept_core())
                for phone, session in zip(phones, sessions)]
        for phone, core in [first_ends, *ends]:
            self._expect_bytes_to_flow(phone, core)
        self.assertEqual(self.services.agw_metric(
            'iqgate_agw_notifications_total{cause="local",kind="tcp_failed",side="access"}'), 0)
        self.assertLess(self.services.agw_metric("iqgate_agw_open_file_descriptors"), HARD_LIMIT)

        for session in sessions:
            self.services.release(session.offered)
        for phone, core in ends:
            phone.close()
            core.close()
        wait_until(lambda: self.services.agw_metric("iqgate_agw_contexts") == 1, "the releases")
        again = Session(self.services, self.certificate)
        self._expect_bytes_to_flow(*self._establish(again))
        self._expect_bytes_to_flow(*first_ends)
        self.services.release(again.offered)
        self.services.release(first.offered)


if __name__ == "__main__":
    main()
