"""A context of an IMS-AGW, made over Iq, with both its ends."""

import contextlib
import itertools
import socket
import struct

from ims.iq.v1 import media_gateway_service_pb2 as messages, termination_pb2 as iq
from service_processes import PATIENCE, start_tls

State = messages.TerminationAudit.State


def path(host, port, session, scheme="msrp"):
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/{session};tcp"


class Context:
    """A context manager: a context of the IMS-AGW with its UE and its core peer, at most one of each at
    a time. Their sockets are closed at the end; the context stays unless it is released.

    `iq`: the stub. `hosts`: the addresses of "ue" and "peer". `certificate`: the UE's; None for a UE
    without TLS. `msrp`: application-aware.
    """

    _numbers = itertools.count(1)

    def __init__(self, iq_stub, hosts, certificate=None, msrp=False):
        self._iq, self._hosts, self._certificate, self._msrp = iq_stub, hosts, certificate, msrp
        self._socket_family = socket.AF_INET6 if ":" in hosts["ue"] else socket.AF_INET
        self._family = "ADDRESS_FAMILY_IPV6" if ":" in hosts["ue"] else "ADDRESS_FAMILY_IPV4"
        self.id = f"context-{next(self._numbers)}"
        self._transactions = itertools.count(1)
        self._stack = contextlib.ExitStack()
        self.listener = self._keep(socket.create_server((hosts["peer"], 0), family=self._socket_family, backlog=1))
        self.ue = self.core = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _keep(self, connection):
        self._stack.callback(connection.close)
        connection.settimeout(PATIENCE)
        return connection

    def _header(self, side):
        return {"termination": iq.TerminationId(context_id=self.id, stream_id=1, side=side),
                "transaction_id": str(next(self._transactions))}

    def _local(self, tls):
        return iq.LocalDescriptor(
            address_family=self._family, setup_mode="SETUP_MODE_ACTPASS",
            transport_protocol="TRANSPORT_PROTOCOL_TCP" + ("_TLS" if tls else "") + ("_MSRP" if self._msrp else ""))

    def _remote(self, host, port, session):
        """With a path, if that is needed."""
        return iq.RemoteDescriptor(address=iq.TransportAddress(ip_address=host, port=port),
                                   msrp_path=[path(host, port, session)] if self._msrp else [])

    def reserve(self, policy=None, interlinked=True):
        """Both sides; T1 triggers T2."""
        control = iq.BearerControl(syn_policy=policy)
        if self._certificate:
            control.tls_role = iq.TLS_ROLE_SERVER
        if interlinked:
            control.interlinkage.topology = iq.Interlinkage.TOPOLOGY_T1_TO_T2
        self.t1 = self._iq.ReserveConnectionPoint(messages.ReserveConnectionPointRequest(
            **self._header("SIDE_ACCESS"), local=self._local(self._certificate), bearer_control=control),
            timeout=PATIENCE).local_address
        host, port = self.listener.getsockname()[:2]
        self.t2 = self._iq.ReserveAndConfigureConnectionPoint(messages.ReserveAndConfigureConnectionPointRequest(
            **self._header("SIDE_CORE"), local=self._local(False), remote=self._remote(host, port, "core")),
            timeout=PATIENCE).local_address
        return self

    def answer(self, certificate=None, **control):
        """A UE that is active, with this certificate or its own."""
        remote = self._remote(self._hosts["ue"], 9, "ue")
        certificate = certificate or self._certificate
        if certificate:
            remote.fingerprints.add(hash_function="sha-256", digest=bytes.fromhex(certificate.digest.replace(":", "")))
        self._configure("SIDE_ACCESS", remote, tcp_role="TCP_ROLE_PASSIVE",
                        syn_policy=iq.SynPolicy(accept_from=iq.SynPolicy.AcceptFrom()), **control)
        return self

    def order_core(self):
        self._configure("SIDE_CORE", iq.RemoteDescriptor(), tcp_role="TCP_ROLE_ACTIVE",
                        establish=iq.Establish(tcp_connection=True))
        return self

    def _configure(self, side, remote, **control):
        self._iq.ConfigureConnectionPoint(messages.ConfigureConnectionPointRequest(
            **self._header(side), remote=remote, bearer_control=iq.BearerControl(**control)), timeout=PATIENCE)

    def release(self, side=None):
        header = self._header(side or "SIDE_UNSPECIFIED")
        if not side:
            header["termination"].stream_id = 0
        self._iq.ReleaseTermination(messages.ReleaseTerminationRequest(**header), timeout=PATIENCE)

    def connect_ue(self, timeout=PATIENCE):
        self.ue = self._keep(socket.socket(self._socket_family))
        self.ue.bind((self._hosts["ue"], 0))
        self.ue.settimeout(timeout)
        self.ue.connect((self.t1.ip_address, self.t1.port))
        self.ue.settimeout(PATIENCE)
        return self

    def accept_core(self, timeout=PATIENCE):
        self.listener.settimeout(timeout)
        self.core = self._keep(self.listener.accept()[0])
        return self

    def start_tls(self, certificate=None):
        """At the UE."""
        self.ue = self._keep(start_tls(self.ue, certificate or self._certificate))
        return self

    def establish(self):
        """Both ends are connected and verified. If the context is application-agnostic, two octets have come
        through."""
        self.reserve().answer().connect_ue().accept_core()
        if self._certificate:
            self.start_tls()
        if not self._msrp:
            self.ue.sendall(b"up")
            assert self.core.recv(2) == b"up"
        return self

    @staticmethod
    def reset(end):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()

    def audit(self):
        return self._iq.AuditContext(messages.AuditContextRequest(context_id=self.id), timeout=PATIENCE)

    def states(self):
        """Of T1 and T2, without the prefix; with that of a next connection behind it."""
        return [State.Name(t.state)[6:] + (f"+{State.Name(t.next_connection_state)[6:]}" if t.next_connection_state
                                           else "") for t in self.audit().terminations]
