// A session through both services: the P-CSCF that hands SDP to the IMS-ALG, the UE B and the core
// peer A.

#ifndef TESTS_INTEGRATION_TESTING_SESSION_H_
#define TESTS_INTEGRATION_TESTING_SESSION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "tests/integration/testing/services.h"
#include "tests/peers/certificate.h"
#include "tests/peers/connection.h"
#include "tests/peers/sdp.h"
#include "tests/peers/socket.h"

namespace integration {

struct SessionOptions {
  Family family = Family::kIpv4;
  ims::alg::v1::CoreConnect core_connect = ims::alg::v1::CORE_CONNECT_TRIGGERED;
  ims::alg::v1::EarlySyn early_syn = ims::alg::v1::EARLY_SYN_DROP;
  std::string offer_setup = "actpass";
};

// Lives on one thread. Releases the session at the end if the test has not.
class Session {
 public:
  using NotificationKind = ims::iq::v1::Notification::KindCase;

  explicit Session(Services& services, const SessionOptions& options = {},
                   peers::KeyType key_type = peers::KeyType::kEcdsaP256);
  ~Session();

  // Hands A's offer to the IMS-ALG; A listens from before.
  absl::Status Offer();

  // Hands B's answer to the IMS-ALG: active on port 9 unless told otherwise, with the fingerprint
  // of `certificate()`. `signalling_address`: where the P-CSCF hears B from.
  absl::Status Answer(absl::string_view setup = "active", uint16_t port = 9,
                      absl::optional<common::IpAddress> signalling_address = absl::nullopt);

  absl::StatusOr<ims::alg::v1::ReleaseSessionResponse> Release();

  // B's SYN to T1, from the phone's address or another one; without waiting, or till it is
  // answered.
  absl::StatusOr<peers::Socket> StartPhone();
  absl::StatusOr<peers::Connection> ConnectPhone();
  absl::StatusOr<peers::Socket> StartFrom(const common::IpAddress& source);

  // What B presents and expects.
  peers::TlsOptions PhoneTls() const;

  // A takes the IMS-AGW's connection.
  absl::StatusOr<peers::Connection> AcceptCore();

  // Offer, answer, connections and TLS; both ends are in `phone()` and `core()` then.
  absl::Status Establish();
  peers::Connection& phone() { return *phone_; }
  peers::Connection& core() { return *core_; }

  // For this session.
  absl::optional<ims::iq::v1::Notification> WaitFor(
      NotificationKind kind, ims::iq::v1::Side side = ims::iq::v1::SIDE_ACCESS,
      absl::Duration timeout = peers::kPatience);
  bool Seen(NotificationKind kind, ims::iq::v1::Side side) const;
  absl::StatusOr<ims::iq::v1::AuditContextResponse> Audit();
  absl::StatusOr<ims::iq::v1::TerminationAudit> Audit(ims::iq::v1::Side side);

  // Waits for a state of a termination.
  bool WaitForState(ims::iq::v1::Side side, ims::iq::v1::TerminationAudit::State state);

  const peers::Certificate& certificate() const { return certificate_; }
  peers::Listener& core_listener() { return *core_listener_; }
  // What B was offered and what A was answered.
  const peers::ReceivedMedia& offered() const { return offered_; }
  const peers::ReceivedMedia& answered() const { return answered_; }
  const std::string& session_id() const { return session_id_; }
  const std::string& context_id() const { return context_id_; }
  const std::string& phone_path() const { return phone_path_; }
  const std::string& core_path() const { return core_path_; }

 private:
  Services& services_;
  const SessionOptions options_;
  const Addresses addresses_;
  const peers::Certificate certificate_;
  const int number_;  // Of this process, for ids.

  absl::optional<peers::Listener> core_listener_;
  std::string phone_path_;
  std::string core_path_;
  std::string session_id_;
  std::string context_id_;
  peers::ReceivedMedia offered_;
  peers::ReceivedMedia answered_;
  absl::optional<peers::Connection> phone_;
  absl::optional<peers::Connection> core_;
};

}  // namespace integration

#endif  // TESTS_INTEGRATION_TESTING_SESSION_H_
