// What the IMS-ALG has ordered of a termination so far, and the rules for what it may order next.

#ifndef AGW_SERVICE_CONTEXT_TERMINATION_POLICY_H_
#define AGW_SERVICE_CONTEXT_TERMINATION_POLICY_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/tls/tls_identities.h"
#include "common/ip_address.h"
#include "common/remote_address_guard.h"

namespace agw {

// How far the connection of a termination is; see termination.h.
enum class TerminationState {
  kIdle,
  kConnecting,
  kTlsHandshake,
  kEstablished,
  kReleased,
  kFailed,
};

// Knows no socket and no timer: a value that calls of the IMS-ALG change. Lives on one worker.
class TerminationPolicy {
 public:
  // What the rules depend on beside earlier orders.
  struct Circumstances {
    TerminationState state;
    common::IpAddress bound_ip;
    bool tls;
    const TlsIdentities& identities;
    bool msrp;  // It is application-aware.
    const std::vector<common::OwnAddressRange>& own_addresses;
    const common::RemotePrefixes& remote_prefixes;
    bool allow_sha1_fingerprints;
  };

  explicit TerminationPolicy(const SetupTimers& timers) : timers_(timers) {}

  // Whether `Apply()` may be called with these. Errors: those of ConfigureConnectionPoint.
  absl::Status Check(const Circumstances& circumstances, const RemoteDescriptor& remote,
                     const BearerControl& control, bool remote_known) const;

  // Takes over what is present; the rest stays as it was. `remote_known` is false for a mere
  // reservation.
  void Apply(const RemoteDescriptor& remote, const BearerControl& control, bool remote_known);

  // A new connection is to be made: what was ordered for the one before is no order for it.
  void BeginNewConnection() { tls_ordered_ = false; }

  // Whether what there is of a connection has to be given up, since these are about another peer: one with
  // another certificate; or one that is to connect the other way round, while a connection that came in
  // before the answer, and is not verified, must not decide who does.
  bool GivesUpConnectionFor(const RemoteDescriptor& remote, const BearerControl& control,
                            TerminationState state) const;

  // Whether the SYN policy lets a connection from `source` in.
  bool Accepts(const common::TransportAddress& source) const;

  // What the SYN policy `kAcceptFrom` lets in, by its own sources or by the remote address.
  std::vector<SourceFilter> AcceptedSources() const;

  // An event decided what the IMS-ALG had left open.
  void DecideTcpRole(TcpRole role) { tcp_role_ = role; }

  const RemoteDescriptor& remote() const { return remote_; }
  TcpRole tcp_role() const { return tcp_role_; }
  absl::optional<TlsRole> tls_role() const { return tls_role_; }
  const SynPolicy& syn_policy() const { return syn_policy_; }
  const SetupTimers& timers() const { return timers_; }
  StreamMode stream_mode() const { return stream_mode_; }
  const MediaInactivityDetection& media_inactivity() const { return media_inactivity_; }
  absl::Duration heartbeat_interval() const { return heartbeat_interval_; }
  const TrafficPolicing& policing() const { return policing_; }
  absl::optional<uint8_t> dscp() const { return dscp_; }  // Absent: the realm's.

  // The gate lets octets in from the peer, or out to it.
  bool may_receive() const {
    return stream_mode_ == StreamMode::kSendReceive || stream_mode_ == StreamMode::kReceiveOnly;
  }
  bool may_send() const {
    return stream_mode_ == StreamMode::kSendReceive || stream_mode_ == StreamMode::kSendOnly;
  }

  // Some call has told who the peer is.
  bool configured() const { return configured_; }

  // TLS may begin as soon as there is TCP: at once as the server, by order as the client.
  bool may_start_tls() const {
    return tls_role_.has_value() && (*tls_role_ == TlsRole::kServer || tls_ordered_);
  }

  // There is an address with a port to connect to.
  bool can_connect() const { return remote_.address.has_value() && remote_.address->port != 0; }

 private:
  absl::Status CheckRemote(const Circumstances& circumstances,
                           const RemoteDescriptor& remote) const;
  absl::Status CheckMsrpPath(const Circumstances& circumstances, const RemoteDescriptor& remote,
                             bool remote_known) const;
  absl::Status CheckSynPolicy(const Circumstances& circumstances, const SynPolicy& policy,
                              bool has_remote_address) const;
  absl::Status CheckOrders(const Circumstances& circumstances, const RemoteDescriptor& remote,
                           const BearerControl& control) const;
  absl::Status CheckAgainstConnection(const Circumstances& circumstances,
                                      const RemoteDescriptor& remote,
                                      const BearerControl& control) const;

  RemoteDescriptor remote_;
  TcpRole tcp_role_ = TcpRole::kUndecided;
  absl::optional<TlsRole> tls_role_;
  SynPolicy syn_policy_;
  SetupTimers timers_;
  StreamMode stream_mode_ = StreamMode::kSendReceive;
  absl::optional<uint8_t> dscp_;
  MediaInactivityDetection media_inactivity_;
  absl::Duration heartbeat_interval_;
  TrafficPolicing policing_;
  bool configured_ = false;
  bool tls_ordered_ = false;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_TERMINATION_POLICY_H_
