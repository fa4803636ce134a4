// A context that a test controls over Iq itself: for what no IMS-ALG would ask, or would ask
// otherwise.

#ifndef TESTS_INTEGRATION_TESTING_IQ_SESSION_H_
#define TESTS_INTEGRATION_TESTING_IQ_SESSION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "tests/integration/testing/services.h"
#include "tests/peers/certificate.h"
#include "tests/peers/connection.h"
#include "tests/peers/socket.h"

namespace integration {

// Requests as an IMS-ALG sends them for a phone that is active, to be changed before they are sent.
// Lives on one thread. Releases the context at the end.
class IqSession {
 public:
  using Stub = ims::iq::v1::MediaGatewayService::Stub;

  explicit IqSession(Services& services, Family family = Family::kIpv4);
  ~IqSession();

  // T1: TLS, SYNs dropped, T1 to T2 on the SYN. T2: TCP, towards `core_listener()`.
  ims::iq::v1::ReserveConnectionPointRequest reserve_access;
  ims::iq::v1::ReserveAndConfigureConnectionPointRequest reserve_core;
  // T1: the phone's address and fingerprint, SYNs from that address.
  ims::iq::v1::ConfigureConnectionPointRequest configure_access;

  // Sends them. What the first one returns is kept.
  absl::Status ReserveAccess();
  absl::Status ReserveCore();
  absl::Status ConfigureAccess();
  absl::Status Release();

  // All three, the phone's connection with TLS and A's.
  absl::Status Establish();
  absl::StatusOr<peers::Connection> ConnectPhone();
  absl::StatusOr<peers::Connection> AcceptCore();
  peers::TlsOptions PhoneTls() const;
  peers::Connection& phone() { return *phone_; }
  peers::Connection& core() { return *core_; }

  absl::StatusOr<ims::iq::v1::TerminationAudit> Audit(ims::iq::v1::Side side);
  absl::optional<ims::iq::v1::Notification> WaitFor(
      ims::iq::v1::Notification::KindCase kind, ims::iq::v1::Side side = ims::iq::v1::SIDE_ACCESS,
      absl::Duration timeout = peers::kPatience);

  const std::string& context_id() const { return context_id_; }
  const peers::Certificate& certificate() const { return certificate_; }
  peers::Listener& core_listener() { return core_listener_; }
  const ims::iq::v1::ReserveConnectionPointResponse& access() const { return access_; }
  common::TransportAddress t1() const { return peers::At(ToText(access_.local_address())); }

  // A transaction id that was not used before.
  std::string NewTransaction();

 private:
  Services& services_;
  const Addresses addresses_;
  const peers::Certificate certificate_;
  const std::string context_id_;
  int transaction_count_ = 0;
  peers::Listener core_listener_;
  ims::iq::v1::ReserveConnectionPointResponse access_;
  absl::optional<peers::Connection> phone_;
  absl::optional<peers::Connection> core_;
};

}  // namespace integration

#endif  // TESTS_INTEGRATION_TESTING_IQ_SESSION_H_
