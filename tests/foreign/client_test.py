"""A Python client of the IMS-ALG, and the example of README.md."""

import re
import subprocess
import sys
import tempfile
import time
import unittest

import example_client
import grpc
from ims.alg.v1 import session_pb2, session_service_pb2 as messages
from junit import main
from service_processes import PATIENCE, Certificate, Services, Session, reason_of


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

    def test_status_tells_version_clock_and_gateways(self):
        status = self.services.alg.GetStatus(messages.GetStatusRequest(), timeout=PATIENCE)
        self.assertRegex(status.software_version, r"^\d+\.\d+\.\d+$")
        self.assertLess(abs(status.time.ToSeconds() - time.time()), PATIENCE)
        self.assertEqual([gateway.instance_id for gateway in status.gateways], ["agw-for-foreigners-0"])
        self.assertFalse(status.gateways[0].draining)

    def test_error_carries_a_reason(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.services.alg.ProcessOffer(
                messages.ProcessOfferRequest(request_id="x", sdp=b"v=0\r\n",
                                             direction=session_pb2.DIRECTION_TERMINATING),
                timeout=PATIENCE)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(reason_of(caught.exception), "SDP_MALFORMED")
        details = dict(caught.exception.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(b"alg.ims", details)
        info = example_client.info_of(caught.exception)
        self.assertEqual((info.reason, info.domain), ("SDP_MALFORMED", "alg.ims"))
        self.assertEqual((info.metadata["line"], info.metadata["sip_status"]), ("2", "400"))

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


class SecuredClientTest(unittest.TestCase):
    """Mutual TLS on both hops, with the certificates that docs/install.md makes."""

    @classmethod
    def setUpClass(cls):
        with open("docs/install.md", encoding="utf-8") as file:
            blocks = re.findall(r"^```sh\n(openssl req -x509.*?)^```$", file.read(), re.M | re.S)
        assert len(blocks) == 1
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        subprocess.run(["sh", "-euc", blocks[0]], cwd=cls.folder, check=True, capture_output=True)
        cls.services = cls.enterClassContext(Services(
            agw_config={"iq": {"tls": cls.tls("agw") | {"allowed_client_names": ["alg.example"]}}},
            alg_config={
                "api": {"tls": cls.tls("alg") | {"allowed_client_names": ["p-cscf.example"]}},
                "gateways": {"tls": cls.tls("alg") | {"server_name": "agw.example"}}}))

    @classmethod
    def tls(cls, name):
        return {"certificate_file": f"{cls.folder}/{name}.crt", "key_file": f"{cls.folder}/{name}.key",
                "ca_file": f"{cls.folder}/ca.crt"}

    def run_example(self, name):
        return subprocess.run(
            [sys.executable, "tests/foreign/example_client.py", self.services.api_address,
             f"{self.folder}/ca.crt", f"{self.folder}/{name}.crt", f"{self.folder}/{name}.key"],
            capture_output=True, text=True, timeout=PATIENCE, check=False)

    def test_example_with_tls(self):
        result = self.run_example("p-cscf")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("is released.", result.stdout)

    def test_another_name_is_denied(self):
        result = self.run_example("agw")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("PERMISSION_DENIED", result.stderr)


if __name__ == "__main__":
    main()
