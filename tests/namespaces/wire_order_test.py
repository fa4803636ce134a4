"""What is on the wire, and in which order, seen from the IMS-AGW's host.

UE B, core A and a stranger C are hosts of their own. Skipped where namespaces cannot be made.
"""

import errno
import socket
import unittest

from junit import main
from network import ACK, SYN, Capture, Network, why_not
from service_processes import (
    PATIENCE, Certificate, Services, answer_request, offer_request, start_tls)

T1, T2 = ("10.99.1.1", "fd99:1::1"), ("10.99.2.1", "fd99:2::1")
B, A, C = ("10.99.1.2", "fd99:1::2"), ("10.99.2.2", "fd99:2::2"), ("10.99.3.2", "fd99:3::2")
FAMILIES = (socket.AF_INET, socket.AF_INET6)


class WireOrderTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        reason = why_not()
        if reason:
            raise unittest.SkipTest(f"ORDER ON THE WIRE NOT TESTED: no network namespaces: {reason}")
        cls.network = cls.enterClassContext(Network({
            name: [(f"10.99.{i}.1/24", f"10.99.{i}.2/24"), (f"fd99:{i}::1/64", f"fd99:{i}::2/64")]
            for i, name in enumerate("bac", start=1)
        }))
        cls.services = cls.enterClassContext(Services(access=T1, core=T2))
        cls.certificate = Certificate(cls.services.folder, "phone")

    def setUp(self):
        self.capture = Capture()

    def offer(self, family, **policy):
        """A listens and offers; returns T1's address as the offer to B has it."""
        i = FAMILIES.index(family)
        self.family = family
        self.listener = self.network.socket_of("a", family)
        self.addCleanup(self.listener.close)
        self.listener.bind((A[i], 0))
        self.listener.listen()
        self.listener.settimeout(PATIENCE)
        self.offered = self.services.offer(
            offer_request(A[i], self.listener.getsockname()[1], ue_signalling_address=B[i], **policy))
        self.addCleanup(self.services.release, self.offered)
        self.assertEqual(self.offered.host, T1[i])
        return self.offered.host, self.offered.port

    def answer(self):
        self.services.answer(self.offered, answer_request(
            self.offered, B[FAMILIES.index(self.family)], self.certificate.digest))

    def send_syn(self, host, target):
        connection = self.network.socket_of(host, self.family)
        self.addCleanup(connection.close)
        connection.setblocking(False)
        self.assertEqual(connection.connect_ex(target), errno.EINPROGRESS)
        return connection

    def test_flow_1_early_syn_is_not_answered_and_its_repetition_triggers_the_core(self):
        for i, family in enumerate(FAMILIES):
            with self.subTest(family=family.name):
                t1 = self.offer(family)
                self.send_syn("b", t1)

                def syn_of_b(packet):
                    return packet.incoming and packet.source == B[i] and packet.flags == SYN

                # A second SYN says that the first one got no answer for its whole time.
                self.capture.wait_for(syn_of_b, count=2)
                self.assertEqual(self.outgoing_to(B[i]), [])
                self.assertEqual(self.outgoing_to(A[i]), [])

                self.answer()
                self.capture.wait_for(lambda packet: self.is_syn_ack_to(packet, B[i]))
                self.capture.wait_for(lambda packet: self.is_syn_to(packet, A[i]))
                connection, core_address = self.listener.accept()
                connection.close()
                self.assertEqual(core_address[0], T2[i])
                packets = self.capture.packets()
                syn_ack = self.index(packets, lambda packet: self.is_syn_ack_to(packet, B[i]))
                core_syn = self.index(packets, lambda packet: self.is_syn_to(packet, A[i]))
                answered_syn = max(j for j, packet in enumerate(packets[:syn_ack]) if syn_of_b(packet))
                self.assertLess(answered_syn, core_syn)

    def test_flow_2_no_syn_to_the_core_before_the_order_whatever_the_ue_did(self):
        for i, family in enumerate(FAMILIES):
            with self.subTest(family=family.name):
                t1 = self.offer(family, core_connect="CORE_CONNECT_ALG_ORDERED",
                                early_syn="EARLY_SYN_LATCH")
                phone = self.network.socket_of("b", family)
                self.addCleanup(phone.close)
                phone.settimeout(PATIENCE)
                phone.connect(t1)
                # TLS 1.3: B is through when it has sent its certificate, and sends data at once.
                phone = start_tls(phone, self.certificate)
                self.addCleanup(phone.close)
                phone.sendall(b"MSRP")
                self.assertEqual(self.outgoing_to(A[i]), [])
                self.listener.settimeout(0.3)
                with self.assertRaises(TimeoutError):
                    self.listener.accept()

                before_the_order = len(self.capture.packets())
                self.answer()
                self.capture.wait_for(lambda packet: self.is_syn_to(packet, A[i]))
                packets = self.capture.packets()
                core_syn = self.index(packets, lambda packet: self.is_syn_to(packet, A[i]))
                self.assertGreaterEqual(core_syn, before_the_order)
                ack_of_b = self.index(packets, lambda packet: packet.incoming and
                                      packet.source == B[i] and packet.flags == ACK)
                self.assertLess(ack_of_b, core_syn)
                self.listener.settimeout(PATIENCE)
                connection, _ = self.listener.accept()
                self.addCleanup(connection.close)
                connection.settimeout(PATIENCE)
                self.assertEqual(connection.recv(4), b"MSRP")

    def test_DP_03_another_source_stays_without_answer_after_configure(self):
        for i, family in enumerate(FAMILIES):
            with self.subTest(family=family.name):
                t1 = self.offer(family)
                self.answer()
                self.send_syn("c", t1)
                self.capture.wait_for(lambda packet: packet.source == C[i] and packet.flags == SYN,
                                      count=2)
                self.assertEqual(self.outgoing_to(C[i]), [])
                self.send_syn("b", t1)
                self.capture.wait_for(lambda packet: self.is_syn_ack_to(packet, B[i]))
                self.assertEqual(self.outgoing_to(C[i]), [])

    def outgoing_to(self, address):
        return [packet for packet in self.capture.packets()
                if not packet.incoming and packet.target == address]

    @staticmethod
    def is_syn_to(packet, address):
        return not packet.incoming and packet.target == address and packet.flags == SYN

    @staticmethod
    def is_syn_ack_to(packet, address):
        return not packet.incoming and packet.target == address and packet.flags == SYN | ACK

    @staticmethod
    def index(packets, condition):
        return next(i for i, packet in enumerate(packets) if condition(packet))


if __name__ == "__main__":
    main(__name__)
