// What an IMS-ALG tells a termination, as values: the local descriptor (what to reserve), the
// remote descriptor (who the peer is, from SDP) and bearer control (who connects, who may connect,
// when). `ims/iq/v1/termination.proto` has the meaning of each field, its range and its default.

#ifndef AGW_SERVICE_CONTEXT_DESCRIPTOR_H_
#define AGW_SERVICE_CONTEXT_DESCRIPTOR_H_

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/bearer/side.h"
#include "agw-service/net/syn_gate.h"
#include "agw-service/tls/fingerprint.h"
#include "agw-service/tls/tls_profile.h"
#include "common/ip_address.h"

namespace agw {

// A termination within its context.
struct TerminationKey {
  uint32_t stream_id = 0;
  Side side = Side::kAccess;

  friend bool operator<(const TerminationKey& a, const TerminationKey& b) {
    return std::tie(a.stream_id, a.side) < std::tie(b.stream_id, b.side);
  }
};

// What runs between the IMS-AGW and the peer of a termination. The octets of the first two are passed
// on as they come; in the others the paths of MSRP are rewritten.
enum class TransportProtocol { kTcp, kTcpTls, kTcpMsrp, kTcpTlsMsrp };

// What is asked for when a termination is reserved; it never changes.
struct LocalDescriptor {
  enum class Family { kAny, kIpv4, kIpv6 };

  bool tls() const {
    return transport_protocol == TransportProtocol::kTcpTls ||
           transport_protocol == TransportProtocol::kTcpTlsMsrp;
  }
  bool msrp() const {
    return transport_protocol == TransportProtocol::kTcpMsrp ||
           transport_protocol == TransportProtocol::kTcpTlsMsrp;
  }
  bool fingerprint_request() const { return !fingerprint_hash_functions.empty(); }

  std::string ip_realm;
  Family family = Family::kAny;
  TransportProtocol transport_protocol = TransportProtocol::kTcp;

  // Of the fingerprints that were asked for.
  std::vector<HashFunction> fingerprint_hash_functions = {};

  // May use what is kept for privileged contexts. The context says so.
  bool privileged = false;
};

// The peer, as far as signalling knows it.
struct RemoteDescriptor {
  absl::optional<common::TransportAddress> address;
  FingerprintSet fingerprints;
  std::vector<std::string> msrp_path = {};  // MSRP URIs, the peer's own last; empty: not known.
};

// Who opens the TCP connection, seen from here (the a=setup of RFC 4145).
enum class TcpRole { kUndecided, kPassive, kActive };

// Who may connect. A SYN from anybody else is dropped in silence.
struct SynPolicy {
  enum class Kind { kDropAll, kLatch, kAcceptFrom };

  Kind kind = Kind::kDropAll;
  std::vector<SourceFilter> sources;  // Empty with kAcceptFrom: the remote address.

  friend bool operator==(const SynPolicy& a, const SynPolicy& b) {
    return a.kind == b.kind && a.sources == b.sources;
  }
};

// Whether an event at one termination makes the other one of the media stream connect (TS 23.334
// clause 6.2.10.3).
struct Interlinkage {
  enum class Topology { kNone, kT1ToT2, kT2ToT1 };
  enum class Trigger { kOnTcpSyn, kOnTlsVerified };

  Topology topology = Topology::kNone;
  Trigger trigger = Trigger::kOnTcpSyn;
};

// How long a termination waits for its first Configure, for TCP, and for TLS.
struct SetupTimers {
  absl::Duration await_configuration = absl::Seconds(180);
  absl::Duration tcp_establishment = absl::Seconds(30);
  absl::Duration tls_establishment = absl::Seconds(10);
};

// What SDP says of the connection a termination has (the a=connection of RFC 4145).
enum class ConnectionRequest { kNone, kNew, kExisting };

// The gate: which way octets may go at a termination, seen from it.
enum class StreamMode { kSendReceive, kSendOnly, kReceiveOnly, kInactive };

// After which time without an octet the IMS-ALG is told.
struct MediaInactivityDetection {
  enum class Direction { kFromPeer, kToPeer, kBoth };

  absl::Duration time;  // Zero: nothing is watched.
  Direction direction = Direction::kBoth;
};

// How fast octets are taken from a peer.
struct TrafficPolicing {
  uint64_t sustained_byte_rate = 0;  // In a second; 0: as fast as they come.
  uint64_t burst_byte_count = 0;     // After a silence.
};

// Orders about the connection, and about what passes it. What is absent stays as it is.
struct BearerControl {
  absl::optional<TcpRole> tcp_role;
  absl::optional<TlsRole> tls_role;
  absl::optional<SynPolicy> syn_policy;
  absl::optional<Interlinkage> interlinkage;
  bool establish_tcp = false;
  bool establish_tls = false;
  absl::optional<absl::Duration> await_configuration;
  absl::optional<absl::Duration> tcp_establishment;
  absl::optional<absl::Duration> tls_establishment;
  ConnectionRequest connection_request = ConnectionRequest::kNone;
  absl::optional<StreamMode> stream_mode;
  absl::optional<MediaInactivityDetection> media_inactivity;
  absl::optional<absl::Duration> heartbeat_interval;  // Zero: none.
  absl::optional<uint8_t> dscp;
  absl::optional<TrafficPolicing> policing;
};

// How a context is treated where not all can be served.
struct ContextAttributes {
  bool emergency_call = false;
  uint32_t priority = 0;

  // Whether it may use what is kept for such contexts.
  bool privileged() const { return emergency_call || priority > 0; }
};

// What the IMS-ALG stores in a context, and the revision it expects there:
// `ims.iq.v1.ControllerState`.
struct ControllerStateUpdate {
  std::string data;
  uint64_t expected_revision = 0;
};

// Octets of the application (inside TLS), and how long the connection was established.
struct TerminationStatistics {
  uint64_t received_byte_count = 0;
  uint64_t sent_byte_count = 0;
  absl::Duration duration;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_DESCRIPTOR_H_
