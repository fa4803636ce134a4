#include "tests/integration/testing/session.h"

#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace integration {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using IqStub = iq::MediaGatewayService::Stub;
using AlgStub = alg::SessionService::Stub;

namespace {

int NextNumber() {
  static std::atomic<int> number{0};
  return ++number;
}

// The context whose T1 has this address.
absl::StatusOr<std::string> FindContext(Services& services, const std::string& t1_address) {
  iq::ListContextsRequest list_request;
  list_request.set_page_size(1000);
  ASSIGN_OR_RETURN(const iq::ListContextsResponse list,
                   Call(services.iq(), &IqStub::ListContexts, list_request));
  for (const std::string& id : list.context_ids()) {
    iq::AuditContextRequest request;
    request.set_context_id(id);
    const absl::StatusOr<iq::AuditContextResponse> audit =
        Call(services.iq(), &IqStub::AuditContext, request);
    if (!audit.ok()) continue;  // Released meanwhile: another thread's.
    for (const iq::TerminationAudit& termination : audit->terminations()) {
      if (ToText(termination.local_address()) == t1_address) return id;
    }
  }
  return absl::NotFoundError("no context has the offered address");
}

}  // namespace

Session::Session(Services& services, const SessionOptions& options, peers::KeyType key_type)
    : services_(services),
      options_(options),
      addresses_(AddressesOf(options.family)),
      certificate_(peers::Certificate::SelfSigned(key_type)),
      number_(NextNumber()) {}

Session::~Session() {
  if (!session_id_.empty()) Release().IgnoreError();
}

absl::Status Session::Offer() {
  ASSIGN_OR_RETURN(core_listener_,
                   peers::Listener::Listen({.ip = addresses_.core_peer, .port = 0}));
  core_path_ = peers::MsrpUri(false, core_listener_->address(), absl::StrCat("core", number_));
  alg::ProcessOfferRequest request;
  request.set_request_id(absl::StrCat("offer-", number_));
  request.set_direction(alg::DIRECTION_TERMINATING);
  request.set_sdp(peers::MakeOffer(
      {.address = core_listener_->address(), .path = core_path_, .setup = options_.offer_setup}));
  request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
  request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
  // The offer tells the family of the core only.
  request.set_ue_signalling_address(addresses_.phone.ToString());
  request.set_core_connect(options_.core_connect);
  request.set_early_syn(options_.early_syn);
  ASSIGN_OR_RETURN(const alg::ProcessOfferResponse response,
                   Call(services_.alg(), &AlgStub::ProcessOffer, request));
  if (!response.outcome().has_forward()) {
    return absl::FailedPreconditionError(response.outcome().ShortDebugString());
  }
  session_id_ = response.session_id();
  ASSIGN_OR_RETURN(offered_, peers::ReadMedia(response.outcome().forward().sdp()));
  ASSIGN_OR_RETURN(context_id_, FindContext(services_, offered_.address.ToString()));
  return absl::OkStatus();
}

absl::Status Session::Answer(absl::string_view setup, uint16_t port,
                             absl::optional<common::IpAddress> signalling_address) {
  const common::TransportAddress address{.ip = addresses_.phone, .port = port};
  phone_path_ = peers::MsrpUri(true, address, absl::StrCat("phone", number_));
  alg::ProcessAnswerRequest request;
  request.set_request_id(absl::StrCat("answer-", number_));
  request.set_session_id(session_id_);
  request.set_sdp(peers::MakeAnswer({.address = address,
                                     .path = phone_path_,
                                     .setup = std::string(setup),
                                     .fingerprint = certificate_.sdp_fingerprint()}));
  if (signalling_address.has_value()) {
    request.set_ue_signalling_address(signalling_address->ToString());
  }
  ASSIGN_OR_RETURN(const alg::ProcessAnswerResponse response,
                   Call(services_.alg(), &AlgStub::ProcessAnswer, request));
  if (!response.outcome().has_forward() || response.session_ended()) {
    return absl::FailedPreconditionError(response.ShortDebugString());
  }
  ASSIGN_OR_RETURN(answered_, peers::ReadMedia(response.outcome().forward().sdp()));
  return absl::OkStatus();
}

absl::StatusOr<alg::ReleaseSessionResponse> Session::Release() {
  alg::ReleaseSessionRequest request;
  request.set_session_id(std::exchange(session_id_, ""));
  return Call(services_.alg(), &AlgStub::ReleaseSession, request);
}

absl::StatusOr<peers::Socket> Session::StartFrom(const common::IpAddress& source) {
  return peers::Socket::StartConnect({.ip = source, .port = 0}, offered_.address);
}

absl::StatusOr<peers::Socket> Session::StartPhone() { return StartFrom(addresses_.phone); }

absl::StatusOr<peers::Connection> Session::ConnectPhone() {
  ASSIGN_OR_RETURN(peers::Socket socket, StartPhone());
  RETURN_IF_ERROR(socket.WaitConnected());
  return peers::Connection(std::move(socket));
}

peers::TlsOptions Session::PhoneTls() const {
  return {.certificate = &certificate_, .expected_digest = offered_.digest};
}

absl::StatusOr<peers::Connection> Session::AcceptCore() {
  ASSIGN_OR_RETURN(peers::Socket socket, core_listener_->Accept());
  return peers::Connection(std::move(socket));
}

absl::Status Session::Establish() {
  RETURN_IF_ERROR(Offer());
  RETURN_IF_ERROR(Answer());
  ASSIGN_OR_RETURN(phone_, ConnectPhone());
  RETURN_IF_ERROR(phone_->StartTls(PhoneTls()));
  ASSIGN_OR_RETURN(core_, AcceptCore());
  // With TLS 1.3 the phone is done before the IMS-AGW has verified it.
  if (!WaitForState(iq::SIDE_ACCESS, iq::TerminationAudit::STATE_ESTABLISHED) ||
      !WaitForState(iq::SIDE_CORE, iq::TerminationAudit::STATE_ESTABLISHED)) {
    return absl::DeadlineExceededError("the terminations are not established");
  }
  return absl::OkStatus();
}

absl::optional<iq::Notification> Session::WaitFor(NotificationKind kind, iq::Side side,
                                                  absl::Duration timeout) {
  return services_.notifications().WaitForKind(kind, context_id_, side, timeout);
}

bool Session::Seen(NotificationKind kind, iq::Side side) const {
  for (const iq::Notification& notification : services_.notifications().seen()) {
    if (notification.kind_case() == kind && notification.termination().side() == side &&
        notification.termination().context_id() == context_id_) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<iq::AuditContextResponse> Session::Audit() {
  iq::AuditContextRequest request;
  request.set_context_id(context_id_);
  return Call(services_.iq(), &IqStub::AuditContext, request);
}

absl::StatusOr<iq::TerminationAudit> Session::Audit(iq::Side side) {
  ASSIGN_OR_RETURN(const iq::AuditContextResponse audit, Audit());
  for (const iq::TerminationAudit& termination : audit.terminations()) {
    if (termination.termination().side() == side) return termination;
  }
  return absl::NotFoundError("no such termination");
}

bool Session::WaitForState(iq::Side side, iq::TerminationAudit::State state) {
  return Eventually([&] {
    const absl::StatusOr<iq::TerminationAudit> audit = Audit(side);
    return audit.ok() && audit->state() == state;
  });
}

}  // namespace integration
