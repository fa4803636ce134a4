"""What the IMS-AGW says of its terminations is what the kernel shows of its sockets.

Contexts in every state there is are made over Iq, with real ends. After each step the audits of all of
them are held against `ss` and against /proc: who listens and who is connected with whom, and that the
process has no other socket.
"""

import contextlib
import ipaddress
import os
import re
import socket
import ssl
import struct
import subprocess
import unittest

import grpc
from ims.iq.v1 import (
    media_gateway_service_pb2 as messages, media_gateway_service_pb2_grpc, termination_pb2 as iq)
from iq_context import Context, State
from junit import main
from service_processes import PATIENCE, Certificate, Services, wait_until

_SLOT = f"127.{100 + os.getpid() // 250 % 50}.{1 + os.getpid() % 250}"
FAMILIES = {"IPV4": {"access": f"{_SLOT}.10", "core": f"{_SLOT}.20", "ue": f"{_SLOT}.30", "peer": f"{_SLOT}.40"},
            "IPV6": dict.fromkeys(("access", "core", "ue", "peer"), "::1")}

# Of `ss` and of /proc/net/tcp: include/net/tcp_states.h.
CONNECTED = {"ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSING"}
STATES = {1: "ESTAB", 2: "SYN-SENT", 3: "SYN-RECV", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT", 7: "CLOSE",
          8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING"}

def plain(state):
    return "CONNECTED" if state in CONNECTED else state


def at(host, port):
    return f"{ipaddress.ip_address(host)} {port}"


class AuditTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        addresses = [FAMILIES[family] for family in ("IPV4", "IPV6")]
        cls.services = cls.enterClassContext(Services(
            access=[hosts["access"] for hosts in addresses], core=[hosts["core"] for hosts in addresses],
            agw_config={"worker_count": 2}))
        cls.pid = cls.services.agw_process.pid
        cls.certificate = Certificate(cls.services.folder, "phone")
        cls.others_certificate = Certificate(cls.services.folder, "other")
        channel = cls.enterClassContext(grpc.insecure_channel(f"127.0.0.1:{cls.services.agw_ports['iq_port']}"))
        cls.iq = media_gateway_service_pb2_grpc.MediaGatewayServiceStub(channel)

    def setUp(self):
        self.assertEqual(self.context_ids(), [])
        self.addCleanup(self._release_rest)

    def _release_rest(self):
        """What a test that failed has left."""
        for context_id in self.context_ids():
            self.iq.ReleaseTermination(messages.ReleaseTerminationRequest(
                termination=iq.TerminationId(context_id=context_id), transaction_id="rest"), timeout=PATIENCE)

    def context_ids(self):
        return list(self.iq.ListContexts(messages.ListContextsRequest(page_size=1000), timeout=PATIENCE).context_ids)

    def expected(self):
        """By the audits: (state, local, remote), in order; a remote that is not known is None."""
        sockets = []
        for context_id in self.context_ids():
            audit = self.iq.AuditContext(messages.AuditContextRequest(context_id=context_id), timeout=PATIENCE)
            for termination in audit.terminations:
                local = at(termination.local_address.ip_address, termination.local_address.port)
                remote = termination.remote.address and at(
                    termination.remote.address.ip_address or "0.0.0.0", termination.remote.address.port)
                replacing = termination.next_connection_state != 0
                setup = termination.next_connection_state or termination.state
                # Nobody can connect to a side that connects.
                if setup == State.STATE_IDLE or termination.bearer_control.tcp_role != iq.TCP_ROLE_ACTIVE:
                    sockets.append(("LISTEN", local, ""))
                if termination.state == State.STATE_ESTABLISHED:
                    connected = termination.connected_address
                    sockets.append(("CONNECTED", local, at(connected.ip_address, connected.port)))
                if setup == State.STATE_CONNECTING:
                    sockets.append(("SYN-SENT", local, remote))
                if setup == State.STATE_TLS_HANDSHAKE:
                    sockets.append(("CONNECTED", local, None if replacing else remote))
        return sorted(sockets, key=str)

    def shown(self):
        """The same as `ss` shows it, and the inodes."""
        sockets, inodes = [], set()
        lines = subprocess.run(["ss", "-H", "-tanpe"], capture_output=True, text=True, check=True).stdout.splitlines()
        for line in lines:
            if f"pid={self.pid}," not in line:
                continue
            state, _, _, local, remote = line.split()[:5]
            inodes.add(int(re.search(r" ino:(\d+)", line).group(1)))
            local, remote = self._of_ss(local), self._of_ss(remote)
            sockets.append((plain(state), local, "" if state == "LISTEN" else remote))
        return self._of_terminations(sockets), inodes

    @staticmethod
    def _of_ss(address):
        host, _, port = address.rpartition(":")
        host = host.split("%")[0].strip("[]")
        return at({"*": "0.0.0.0"}.get(host, host), 0 if port == "*" else port)

    def _of_terminations(self, sockets):
        """Without those of Iq and HTTP."""
        ports = {str(self.services.agw_ports[name]) for name in ("iq_port", "http_port")}
        return sorted((s for s in sockets if s[1].split()[1] not in ports), key=str)

    def shown_by_proc(self):
        """The same, from /proc, by the descriptors of the process; what is no TCP socket does not count."""
        inodes = set()
        for descriptor in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{self.pid}/fd/{descriptor}"))
            except FileNotFoundError:
                continue
            if match:
                inodes.add(int(match.group(1)))
        sockets, of_tcp = [], set()
        for name in ("tcp", "tcp6"):
            with open(f"/proc/{self.pid}/net/{name}", encoding="ascii") as file:
                for line in file.read().splitlines()[1:]:
                    fields = line.split()
                    if int(fields[9]) not in inodes:
                        continue
                    of_tcp.add(int(fields[9]))
                    state = STATES[int(fields[3], 16)]
                    local, remote = self._of_proc(fields[1]), self._of_proc(fields[2])
                    sockets.append((plain(state), local, "" if state == "LISTEN" else remote))
        return self._of_terminations(sockets), of_tcp

    @staticmethod
    def _of_proc(address):
        host, port = address.split(":")
        words = struct.pack(f"={len(host) // 8}I", *(int(host[i:i + 8], 16) for i in range(0, len(host), 8)))
        return at(words, int(port, 16))

    @staticmethod
    def _equal(expected, shown):
        """A remote address that is not known fits any."""
        if len(expected) != len(shown):
            return False
        rest = list(shown)
        for state, local, remote in sorted(expected, key=lambda socket: socket[2] is None):
            match = next((s for s in rest if s[:2] == (state, local) and remote in (None, s[2])), None)
            if match is None:
                return False
            rest.remove(match)
        return True

    def expect_truth(self):
        difference = None

        def true():
            nonlocal difference
            expected, (by_ss, inodes), (by_proc, inodes_of_proc) = self.expected(), self.shown(), self.shown_by_proc()
            difference = f"\naudits: {expected}\nss:     {by_ss}\n/proc:  {by_proc}"
            return (self._equal(expected, by_ss) and self._equal(expected, by_proc) and inodes == inodes_of_proc and
                    expected == self.expected())

        try:
            # What waits to be read may take a second until it is closed.
            wait_until(true, "audits and kernel agree", timeout=10)
        except AssertionError:
            self.fail(f"audits and kernel do not agree:{difference}")

    def expect_states(self, context, *states):
        wait_until(lambda: context.states() == list(states), f"{states} instead of {context.states()}")
        self.expect_truth()

    def states_of_every_kind(self, family):
        """Contexts in all the states there are, one after the other; each is checked."""
        certificate, latch = self.certificate, iq.SynPolicy(latch=iq.SynPolicy.Latch())

        def new(tls=True):
            contexts.append(self.enterContext(Context(self.iq, FAMILIES[family], certificate if tls else None)))
            return contexts[-1]

        contexts = []
        self.expect_states(new().reserve(), "IDLE", "IDLE")
        self.expect_states(new().reserve(latch), "IDLE", "IDLE")
        self.expect_states(new().reserve().answer(), "IDLE", "IDLE")

        connecting = new().reserve(interlinked=False)
        # With these its queue is full, and SYNs are dropped.
        for _ in range(3):
            filler = self.enterContext(socket.socket(connecting.listener.family))
            filler.setblocking(False)
            filler.connect_ex(connecting.listener.getsockname())
        self.expect_states(connecting.order_core(), "IDLE", "CONNECTING")

        # It is held until there is a fingerprint; the other side has connected meanwhile.
        held = new().reserve(latch).connect_ue().accept_core()
        hello = ssl.MemoryBIO()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        with self.assertRaises(ssl.SSLWantReadError):
            tls.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
        held.ue.sendall(hello.read())
        self.expect_states(held, "TLS_HANDSHAKE", "ESTABLISHED")

        self.expect_states(new().establish(), "ESTABLISHED", "ESTABLISHED")
        self.expect_states(new(tls=False).establish(), "ESTABLISHED", "ESTABLISHED")

        half_closed = new(tls=False).establish()
        half_closed.ue.shutdown(socket.SHUT_WR)
        assert half_closed.core.recv(1) == b""
        self.expect_states(half_closed, "ESTABLISHED", "ESTABLISHED")

        ended = new(tls=False).establish()
        for end in (ended.ue, ended.core):
            end.shutdown(socket.SHUT_WR)
        self.expect_states(ended, "RELEASED", "RELEASED")

        reset = new().establish()
        reset.reset(reset.core)
        self.expect_states(reset, "RELEASED", "RELEASED")

        refused = new().reserve(interlinked=False)
        refused.listener.close()
        self.expect_states(refused.order_core(), "FAILED", "FAILED")

        mismatch = new().reserve().answer()
        for _ in range(3):
            mismatch.connect_ue().accept_core()
            with contextlib.suppress(ssl.SSLError):
                mismatch.start_tls(self.others_certificate).ue.recv(1)
            mismatch.ue.close()
        self.expect_states(mismatch, "FAILED", "RELEASED")

        forked = new().establish().answer(self.others_certificate)
        self.expect_states(forked, "IDLE", "IDLE")

        waiting = new().establish().answer(connection_request="CONNECTION_REQUEST_NEW")
        self.expect_states(waiting, "ESTABLISHED+IDLE", "ESTABLISHED")
        next_one = new().establish().answer(connection_request="CONNECTION_REQUEST_NEW").connect_ue()
        self.expect_states(next_one, "ESTABLISHED+TLS_HANDSHAKE", "ESTABLISHED")
        replaced = new().establish().answer(connection_request="CONNECTION_REQUEST_NEW").connect_ue()
        self.expect_states(replaced.start_tls(), "ESTABLISHED", "ESTABLISHED")

        left = new().establish()
        left.release("SIDE_ACCESS")
        self.expect_states(left, "RELEASED")
        gone = new().establish()
        gone.release()
        contexts.remove(gone)
        self.expect_truth()
        return contexts

    def _run(self, family):
        contexts = self.states_of_every_kind(family)
        self.assertEqual(self.context_ids(), sorted(context.id for context in contexts))
        for context in contexts:
            context.release()
            self.expect_truth()
        self.assertEqual(self.context_ids(), [])
        self.assertEqual(self.shown()[0], [])

    def test_audits_are_what_the_kernel_shows_in_every_state_over_ipv4(self):
        self._run("IPV4")

    def test_audits_are_what_the_kernel_shows_in_every_state_over_ipv6(self):
        self._run("IPV6")


if __name__ == "__main__":
    main()
