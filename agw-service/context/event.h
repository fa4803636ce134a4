// What a context reports, as values. `ims/iq/v1/notification.proto` has the meaning of each.

#ifndef AGW_SERVICE_CONTEXT_EVENT_H_
#define AGW_SERVICE_CONTEXT_EVENT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "agw-service/bearer/side.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/tls/fingerprint.h"
#include "agw-service/tls/tls_failure.h"
#include "agw-service/tls/tls_profile.h"
#include "common/ip_address.h"

namespace agw {

struct SynDropped {
  uint64_t dropped_count;
};

struct TcpEstablished {
  common::TransportAddress local_address;
  common::TransportAddress remote_address;
  TcpRole tcp_role;
};

struct TcpFailed {
  enum class Cause { kRefused, kUnreachable, kTimedOut, kLocal, kCongestion };
  Cause cause;
  std::string detail;
};

struct TlsEstablished {
  absl::string_view protocol_version;  // Valid for ever, as is the next.
  absl::string_view cipher_suite;
  TlsRole tls_role;
};

struct TlsFailed {
  using Cause = TlsFailure;
  Cause cause;
  std::string detail;
  uint32_t attempts_left;
};

struct FingerprintVerified {
  Fingerprint fingerprint;
};

struct FingerprintMismatch {
  Fingerprint presented;
};

struct BearerReleased {
  enum class Cause {
    kClosedByPeers,
    kResetByPeer,
    kOtherSideEnded,
    kTlsError,
    kClosedWithoutCloseNotify,
    kTimedOut,
    kPeerVanished,
    kProtocolError,
    kReplaced,
    kBufferLimit,
    kDrainDeadline,
  };
  Cause cause;
  std::string detail;
  TerminationStatistics statistics;
};

struct SetupTimedOut {
  enum class Timer { kAwaitConfiguration, kTcpEstablishment, kTlsEstablishment };
  Timer timer;
};

struct MediaInactivity {
  MediaInactivityDetection::Direction direction;
  absl::Duration time;
};

struct TerminationHeartbeat {};

struct HangingTermination {};

struct Draining {};

struct DrainEnded {};

struct DescriptorShortage {
  std::string detail;
};

// Of the IMS-AGW as a whole, like the next one.
struct CertificateRotated {
  std::string ip_realm;  // Empty: of realms that have none of their own.
  Fingerprint fingerprint;
  absl::Time not_after;
};

struct PortPoolLow {
  std::string ip_realm;
  uint32_t ports_in_use;
  uint32_t ports_total;
};

using EventKind =
    absl::variant<SynDropped, TcpEstablished, TcpFailed, TlsEstablished, TlsFailed,
                  FingerprintVerified, FingerprintMismatch, BearerReleased, SetupTimedOut,
                  MediaInactivity, TerminationHeartbeat, HangingTermination, Draining, DrainEnded,
                  DescriptorShortage, CertificateRotated, PortPoolLow>;

struct Event {
  absl::Time time;         // By the wall clock, for people.
  std::string context_id;  // Empty: the IMS-AGW as a whole.
  uint32_t stream_id = 0;  // 0: the context as a whole.
  absl::optional<Side> side;
  EventKind kind;
};

// Takes events from workers. Thread-safe, and quick: it is called while bytes wait.
using EventSink = std::function<void(Event)>;

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_EVENT_H_
