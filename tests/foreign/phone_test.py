"""OpenSSL's and GnuTLS's command line clients as the phone."""

import re
import select
import subprocess
import tempfile
import time
import unittest

from junit import main
from service_processes import (
    PATIENCE, PEM_BLOCK, Certificate, Services, Session, digest_of_pem, wait_until)

TO_CORE = b"MSRP from the phone\n"
TO_PHONE = b"MSRP from the core\n"


def openssl(session, version, certificate):
    flag = {"1.1": "-tls1_1", "1.2": "-tls1_2", "1.3": "-tls1_3"}[version]
    arguments = ["openssl", "s_client", "-connect", f"{session.offered.host}:{session.offered.port}", flag,
                 "-ign_eof", "-nocommands"]
    if version == "1.1":
        # OpenSSL does not offer it otherwise.
        arguments += ["-cipher", "DEFAULT@SECLEVEL=0"]
    if certificate:
        arguments += ["-cert", certificate.certificate_file, "-key", certificate.key_file]
    return arguments


def gnutls(session, version, certificate):
    arguments = ["gnutls-cli", "--no-ca-verification", "--print-cert", session.offered.host,
                 "-p", str(session.offered.port), "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}"]
    if certificate:
        arguments += ["--x509certfile", certificate.certificate_file,
                      "--x509keyfile", certificate.key_file]
    return arguments


class PhoneTest(unittest.TestCase):
    # How each tool names an alert of this number: 42 bad_certificate, 70 protocol_version,
    # 116 certificate_required.
    CLIENTS = {openssl: "SSL alert number {}", gnutls: "Received alert [{}]"}

    @classmethod
    def setUpClass(cls):
        cls.services = cls.enterClassContext(Services())
        cls.certificate = Certificate(cls.services.folder, "phone")
        cls.other_certificate = Certificate(cls.services.folder, "other")

    def _start(self, arguments):
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def _read_until(self, process, wanted):
        output = b""
        deadline = time.monotonic() + PATIENCE
        while wanted not in output:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                self.fail(f"{wanted} did not come:\n{output.decode(errors='replace')}")
            piece = process.stdout.read1(65536)
            if not piece:
                self.fail(f"the tool ended:\n{output.decode(errors='replace')}")
            output += piece
        return output

    def test_right_certificate(self):
        for client in self.CLIENTS:
            for version in ("1.2", "1.3"):
                with self.subTest(client=client.__name__, version=version):
                    session = Session(self.services, self.certificate)
                    process = self._start(client(session, version, self.certificate))
                    core = session.accept_core()
                    process.stdin.write(TO_CORE)
                    process.stdin.flush()
                    received = b""
                    while len(received) < len(TO_CORE) and (piece := core.recv(4096)):
                        received += piece
                    self.assertEqual(received, TO_CORE)
                    core.sendall(TO_PHONE)
                    output = self._read_until(process, TO_PHONE)
                    self.assertEqual(digest_of_pem(output.decode(errors="replace")),
                                     session.offered.digest)

    def _expect_alert(self, version, certificate, alert, cause):
        series = f'iqgate_agw_notifications_total{{cause="{cause}",kind="tls_failed",side="access"}}'
        for client, alert_text in self.CLIENTS.items():
            with self.subTest(client=client.__name__, version=version):
                counted = self.services.agw_metric(series)
                session = Session(self.services, self.certificate)
                process = self._start(client(session, version, certificate))
                # Something to send at once: it must not get through.
                process.stdin.write(TO_CORE)
                process.stdin.flush()
                output, _ = process.communicate(timeout=PATIENCE)
                self.assertIn(alert_text.format(alert), output.decode(errors="replace"))
                core = session.accept_core()
                received = b""
                try:
                    received = core.recv(4096)
                except ConnectionResetError:
                    pass
                self.assertEqual(received, b"")
                wait_until(lambda: self.services.agw_metric(series) == counted + 1, series)

    def test_DP_06_wrong_certificate(self):
        for version in ("1.2", "1.3"):
            self._expect_alert(version, self.other_certificate, 42, "fingerprint_mismatch")

    def test_DP_05_no_certificate(self):
        self._expect_alert("1.2", None, 42, "no_certificate")
        self._expect_alert("1.3", None, 116, "no_certificate")

    def test_DP_07_tls_1_1(self):
        self._expect_alert("1.1", self.certificate, 70, "protocol_version")


class RealmCertificateTest(unittest.TestCase):
    """The access realm has a certificate of the operator's own: RSA, from an authority."""

    def test_phones_are_shown_it_with_its_issuer(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        issuer = Certificate(folder, "authority")
        own = Certificate(folder, "agw.example", key=["rsa:2048"], issuer=issuer)
        services = self.enterContext(Services(access_certificate=own))
        certificate = Certificate(folder, "phone")
        for version in ("1.2", "1.3"):
            session = Session(services, certificate)
            self.assertEqual(session.offered.digest, own.digest)
            client = subprocess.Popen(openssl(session, version, certificate) + ["-showcerts"],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            session.accept_core().close()  # Which ends the phone's connection, too.
            shown, _ = client.communicate(timeout=PATIENCE)
            chain = re.findall(PEM_BLOCK, shown.decode(errors="replace"), re.S)
            self.assertEqual([digest_of_pem(pem) for pem in chain], [own.digest, issuer.digest])


if __name__ == "__main__":
    main()
