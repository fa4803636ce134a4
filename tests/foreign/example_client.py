"""A network function in miniature: one offer and one answer through the IMS-ALG.

Usage: example_client.py [HOST:PORT of alg-service]
"""

import sys

import grpc
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


def show(title, outcome):
    if outcome.HasField("reject"):
        reason = session_pb2.RejectReason.Name(outcome.reject.reason)
        sys.exit(f"{title}: answer SIP {outcome.reject.sip_status}, {reason}")
    print(f"{title}\n{outcome.forward.sdp.decode()}")


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7050"
    with grpc.insecure_channel(address) as channel:
        alg = session_service_pb2_grpc.SessionServiceStub(channel)
        try:
            offer = alg.ProcessOffer(
                messages.ProcessOfferRequest(
                    request_id="invite-1",  # A repeated request gets the same reply.
                    direction=session_pb2.DIRECTION_TERMINATING,
                    sdp=body(OFFER),
                    e2ae_support=session_pb2.E2aeSupport(
                        indications=session_pb2.E2aeSupport.Indications(ue=True, p_cscf=True)),
                ),
                timeout=5)
            show("SDP offer for the UE:", offer.outcome)
            answer = alg.ProcessAnswer(
                messages.ProcessAnswerRequest(
                    request_id="ok-1", session_id=offer.session_id, sdp=body(ANSWER)),
                timeout=5)
            show("SDP answer for the core:", answer.outcome)
            alg.ReleaseSession(
                messages.ReleaseSessionRequest(session_id=offer.session_id), timeout=5)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
    print(f"Session {offer.session_id} is released.")


if __name__ == "__main__":
    main()
