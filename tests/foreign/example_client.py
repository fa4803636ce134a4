"""A network function in miniature: one offer and one answer through the IMS-ALG.

Usage: example_client.py [HOST:PORT of alg-service [CA_FILE CERTIFICATE_FILE KEY_FILE]]
"""

import sys

import grpc
from google.rpc import error_details_pb2, status_pb2
from ims.alg.v1 import session_pb2, session_service_pb2 as messages, session_service_pb2_grpc

OFFER = """v=0
o=alice 2890844526 2890844526 IN IP4 127.0.0.40
s=-
c=IN IP4 127.0.0.40
t=0 0
m=message 7654 TCP/MSRP *
a=accept-types:text/plain
a=path:msrp://127.0.0.40:7654/jshA7weztas9vkq2;tcp
a=setup:actpass
a=msrp-cema
"""

ANSWER = """v=0
o=- 1700000001 1 IN IP4 127.0.0.30
s=-
c=IN IP4 127.0.0.30
t=0 0
m=message 9 TCP/TLS/MSRP *
a=accept-types:text/plain
a=path:msrps://127.0.0.30:2855/si438dsaodes77hq1;tcp
a=setup:active
a=msrp-cema
a=fingerprint:sha-256 63:8F:BC:E2:38:C1:3F:C1:DE:CA:EC:C9:F7:24:91:BF:F2:B5:C3:BC:07:12:C0:67:AE:DD:A0:70:12:75:41:39
"""


def body(sdp):
    return sdp.replace("\n", "\r\n").encode()


def open_channel(address, *tls_files):
    if not tls_files:
        return grpc.insecure_channel(address)  # On loopback only.
    ca, certificate, key = [open(name, "rb").read() for name in tls_files]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(ca, key, certificate))


def info_of(error):
    """The google.rpc.ErrorInfo of a failed call: branch on its reason, never on text."""
    info = error_details_pb2.ErrorInfo()
    status = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    for detail in status_pb2.Status.FromString(status).details:
        detail.Unpack(info)  # Leaves alone what is something else.
    return info


def show(title, outcome):
    if outcome.HasField("reject"):
        reason = session_pb2.RejectReason.Name(outcome.reject.reason)
        sys.exit(f"{title}: answer SIP {outcome.reject.sip_status}, {reason}")
    print(f"{title}\n{outcome.forward.sdp.decode()}")


def main():
    with open_channel(*(sys.argv[1:] or ["127.0.0.1:7050"])) as channel:
        alg = session_service_pb2_grpc.SessionServiceStub(channel)
        try:
            offer = alg.ProcessOffer(
                messages.ProcessOfferRequest(
                    request_id="invite-1",  # A repeated request gets the same reply.
                    direction=session_pb2.DIRECTION_TERMINATING,
                    sdp=body(OFFER),
                    e2ae_support=session_pb2.E2aeSupport(
                        headers=session_pb2.E2aeSupport.RegistrationHeaders(
                            security_client=["msrp-tls;mediasec"],  # Of the UE's REGISTER,
                            security_server=["msrp-tls;mediasec"])),  # and of your answer.
                    ue_signalling_address="127.0.0.30",
                ),
                timeout=5)
            show("SDP offer for the UE:", offer.outcome)
            # If the UE refuses, or nobody answers: alg.RejectOffer() with the session id.
            answer = alg.ProcessAnswer(
                messages.ProcessAnswerRequest(
                    request_id="ok-1", session_id=offer.session_id, sdp=body(ANSWER)),
                timeout=5)
            show("SDP answer for the core:", answer.outcome)
            alg.ReleaseSession(
                messages.ReleaseSessionRequest(session_id=offer.session_id), timeout=5)
        except grpc.RpcError as error:
            info = info_of(error)  # With SDP_MALFORMED, `metadata` has line, column, sip_status.
            sys.exit(f"{error.code().name}: {info.reason} {dict(info.metadata)}: {error.details()}")
    print(f"Session {offer.session_id} is released.")


if __name__ == "__main__":
    main()
