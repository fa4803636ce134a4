"""A Python client of the IMS-ALG, and the example of README.md."""

import subprocess
import sys
import unittest

import grpc
from ims.alg.v1 import session_pb2, session_service_pb2 as messages
from junit import main
from service_processes import PATIENCE, Certificate, Services, Session


class ClientTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.services = cls.enterClassContext(Services())

    def test_offer_and_answer(self):
        session = Session(self.services, Certificate(self.services.folder, "phone"))
        self.assertIn("m=message ", session.answer)
        self.assertIn(" TCP/MSRP *\r\n", session.answer)
        self.assertNotIn("a=fingerprint", session.answer)
        state = self.services.alg.GetSession(
            messages.GetSessionRequest(session_id=session.offered.session_id), timeout=PATIENCE).session
        self.assertEqual(state.state, session_pb2.SESSION_STATE_ANSWERED)
        released = self.services.alg.ReleaseSession(
            messages.ReleaseSessionRequest(session_id=session.offered.session_id), timeout=PATIENCE)
        self.assertEqual(len(released.streams), 1)

    def test_error_carries_a_reason(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.services.alg.ProcessOffer(
                messages.ProcessOfferRequest(request_id="x", sdp=b"v=0\r\n",
                                             direction=session_pb2.DIRECTION_TERMINATING),
                timeout=PATIENCE)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        details = dict(caught.exception.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(b"SDP_MALFORMED", details)
        self.assertIn(b"alg.ims", details)

    def test_example_of_the_readme(self):
        # An IMS-AGW on loopback lets the example's addresses in.
        result = subprocess.run(
            [sys.executable, "tests/foreign/example_client.py", self.services.api_address],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("a=3ge2ae:applied", result.stdout)
        self.assertIn("is released.", result.stdout)

    def test_readme_shows_the_example_as_it_is(self):
        with open("README.md", encoding="utf-8") as file:
            readme = file.read()
        with open("tests/foreign/example_client.py", encoding="utf-8") as file:
            self.assertIn(f"```python\n{file.read()}```\n", readme)


if __name__ == "__main__":
    main()
