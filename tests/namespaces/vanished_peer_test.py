"""Phones and core peers that vanish without a word: their sessions end, and nobody else's."""

import socket
import unittest

from junit import main
from network import Network, why_not
from service_processes import (
    PATIENCE, Certificate, Services, answer_request, offer_request, start_tls, wait_until)

T1, T2 = ("10.98.1.1", "fd98:1::1"), ("10.98.2.1", "fd98:2::1")
HOSTS = {"b": ("10.98.1.2", "fd98:1::2"), "a": ("10.98.2.2", "fd98:2::2"), "c": ("10.98.3.2", "fd98:3::2")}
IPV4, IPV6 = socket.AF_INET, socket.AF_INET6

# As short as they can be.
PEER_LOSS = {"keep_alive_idle": "1s", "keep_alive_interval": "1s", "loss_time": "3s"}


class VanishedPeerTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        reason = why_not()
        if reason:
            raise unittest.SkipTest(f"VANISHED PEERS NOT TESTED: no network namespaces: {reason}")
        cls.network = cls.enterClassContext(Network({
            name: [(f"10.98.{i}.1/24", f"10.98.{i}.2/24"), (f"fd98:{i}::1/64", f"fd98:{i}::2/64")]
            for i, name in enumerate("bac", start=1)
        }))
        cls.services = cls.enterClassContext(
            Services(access=T1, core=T2, agw_config={"peer_loss": PEER_LOSS}))
        cls.certificate = Certificate(cls.services.folder, "phone")

    def establish(self, phone_host, family):
        """A session between a phone on this host and the core peer on "a"; returns their ends."""
        phone_address, core_address = (HOSTS[host][family == IPV6] for host in (phone_host, "a"))
        listener = self.network.socket_of("a", family)
        self.addCleanup(listener.close)
        listener.bind((core_address, 0))
        listener.listen()
        listener.settimeout(PATIENCE)
        offered = self.services.offer(offer_request(
            core_address, listener.getsockname()[1], ue_signalling_address=phone_address))
        self.addCleanup(self.services.release, offered)
        self.services.answer(offered, answer_request(offered, phone_address, self.certificate.digest))
        phone = self.network.socket_of(phone_host, family)
        phone.settimeout(PATIENCE)
        phone.connect((offered.host, offered.port))
        phone = start_tls(phone, self.certificate)
        self.addCleanup(phone.close)
        core, _ = listener.accept()
        self.addCleanup(core.close)
        core.settimeout(PATIENCE)
        self.expect_bytes_to_flow(phone, core)
        return phone, core

    def expect_bytes_to_flow(self, phone, core):
        phone.sendall(b"uplink")
        self.assertEqual(core.recv(64), b"uplink")
        core.sendall(b"downlink")
        self.assertEqual(phone.recv(64), b"downlink")

    def wait_for_vanished(self, side, count):
        series = f'iqgate_agw_notifications_total{{cause="peer_vanished",kind="bearer_released",side="{side}"}}'
        wait_until(lambda: self.services.agw_metric(series) == count, f"{count} vanished at {side}")

    def test_sessions_of_a_vanished_phone_and_of_a_vanished_core_peer_end(self):
        _, core_at_rest = self.establish("b", IPV4)
        _, core_that_sends = self.establish("b", IPV6)
        other_phone, other_core = self.establish("c", IPV4)

        self.network.cut("b")
        core_that_sends.sendall(b"nobody acknowledges this")
        # One is found by keep-alives, the other by what it does not acknowledge.
        for core in (core_at_rest, core_that_sends):
            with self.assertRaises(ConnectionResetError):
                core.recv(1)
        self.wait_for_vanished("access", 2)
        self.expect_bytes_to_flow(other_phone, other_core)

        self.network.cut("a")
        with self.assertRaises(ConnectionResetError):
            socket.socket.recv(other_phone, 1)  # Below TLS, which takes RST for an end.
        self.wait_for_vanished("core", 1)


if __name__ == "__main__":
    main()
