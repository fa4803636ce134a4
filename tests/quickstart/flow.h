// Plays one call flow of TS 23.334 clause 6.2.10.3.1.2 against a running IMS-ALG and IMS-AGW: a
// phone B behind TLS, a core peer A, and the P-CSCF between them. Every fact it reports was
// observed: by the sockets of B and A, in the IMS-AGW's notifications and audits, or in the
// IMS-ALG's replies.

#ifndef TESTS_QUICKSTART_FLOW_H_
#define TESTS_QUICKSTART_FLOW_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "grpcpp/grpcpp.h"
#include "ims/alg/v1/session_service.grpc.pb.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"
#include "tests/peers/certificate.h"
#include "tests/peers/connection.h"
#include "tests/peers/notification_watcher.h"
#include "tests/peers/sdp.h"
#include "tests/peers/socket.h"
#include "tests/quickstart/ladder.h"

namespace quickstart {

// Who plays, and through what.
struct Stage {
  std::shared_ptr<grpc::Channel> alg;
  std::shared_ptr<grpc::Channel> agw;
  peers::NotificationWatcher* notifications;
  common::IpAddress phone_ip;
  common::IpAddress core_ip;
};

// One session from offer to release. Lives on one thread.
class Flow {
 public:
  Flow(const Stage& stage, ims::alg::v1::CoreConnect variant);

  // OK if everything happened as the clause says; else what did not.
  absl::Status Play();

  // What happened, as far as it came.
  std::string Report() const;

 private:
  bool triggered() const { return variant_ == ims::alg::v1::CORE_CONNECT_TRIGGERED; }

  // The stages of the flow, in order.
  absl::Status Offer();
  absl::Status EarlySyn();
  absl::Status Answer();
  absl::Status Connect();
  absl::Status Talk();
  absl::Status SendFile(peers::Connection* core);
  absl::Status Release();

  absl::Status ListContexts(std::set<std::string>* ids);
  absl::Status Audit(const std::string& context_id, ims::iq::v1::AuditContextResponse* response);
  void Note(absl::Time time, absl::string_view number, Party from, Party to,
            absl::string_view label, std::vector<std::string> facts,
            Step::Style style = Step::Style::kPlain);

  const Stage stage_;
  const ims::alg::v1::CoreConnect variant_;
  const std::unique_ptr<ims::alg::v1::SessionService::Stub> alg_;
  const std::unique_ptr<ims::iq::v1::MediaGatewayService::Stub> agw_;
  const peers::Certificate certificate_;
  const absl::Time start_;

  absl::optional<peers::Listener> core_listener_;
  std::string core_path_;
  std::string phone_path_;
  std::string session_id_;
  std::string context_id_;
  peers::ReceivedMedia offered_;  // What the phone was offered.
  absl::optional<peers::Connection> phone_;
  absl::optional<peers::Connection> core_;

  Ladder ladder_;
  std::string offer_changes_;
  std::string answer_changes_;
};

// The lines of a body that another one has not, and those it has instead, with "-" and "+".
std::string LineChanges(absl::string_view before, absl::string_view after);

}  // namespace quickstart

#endif  // TESTS_QUICKSTART_FLOW_H_
