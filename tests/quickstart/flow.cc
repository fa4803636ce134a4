#include "tests/quickstart/flow.h"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/grpc_status.h"
#include "common/status_macros.h"
#include "tests/peers/msrp.h"

namespace quickstart {
namespace {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using peers::kPatience;

constexpr size_t kFileSize = 5 * 1024 * 1024;

// Fails the stage with `what` unless `condition` holds.
#define EXPECT_SO(condition, what)                                \
  do {                                                            \
    if (!(condition)) return absl::FailedPreconditionError(what); \
  } while (false)

absl::Status Named(absl::string_view what, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
}

void SetDeadline(grpc::ClientContext* call) {
  call->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
}

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string Text(const iq::TransportAddress& address) {
  const absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(address.ip_address());
  if (!ip.ok()) return address.ip_address();
  return common::TransportAddress{.ip = *ip, .port = static_cast<uint16_t>(address.port())}
      .ToString();
}

// "CF:84:59:..:8B".
std::string Short(absl::string_view digest) {
  const std::string hex = peers::ColonHex(digest);
  return absl::StrCat(hex.substr(0, 14), "…", hex.substr(hex.size() - 3));
}

// 5242880 as "5,242,880".
std::string Grouped(uint64_t number) {
  std::string text = absl::StrCat(number);
  for (int i = static_cast<int>(text.size()) - 3; i > 0; i -= 3) text.insert(i, 1, ',');
  return text;
}

const iq::TerminationAudit* Find(const iq::AuditContextResponse& audit, iq::Side side) {
  for (const iq::TerminationAudit& termination : audit.terminations()) {
    if (termination.termination().side() == side) return &termination;
  }
  return nullptr;
}

std::string MakeFile() {
  std::string bytes(kFileSize, '\0');
  uint32_t state = 1;  // Any bytes do, if they are not all the same.
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace

Flow::Flow(const Stage& stage, alg::CoreConnect variant)
    : stage_(stage),
      variant_(variant),
      alg_(alg::SessionService::NewStub(stage.alg)),
      agw_(iq::MediaGatewayService::NewStub(stage.agw)),
      certificate_(peers::Certificate::SelfSigned()),
      start_(absl::Now()) {}

absl::Status Flow::Play() {
  RETURN_IF_ERROR(Named("offer", Offer()));
  RETURN_IF_ERROR(Named("early SYN", EarlySyn()));
  RETURN_IF_ERROR(Named("answer", Answer()));
  RETURN_IF_ERROR(Named("connections", Connect()));
  RETURN_IF_ERROR(Named("messages", Talk()));
  return Named("release", Release());
}

std::string Flow::Report() const {
  std::string report = triggered()
                           ? "Flow 1: the phone's SYN makes the IMS-AGW connect to the core "
                             "(TS 23.334, 6.2.10.3.1.2.1)\n\n"
                           : "Flow 2: the IMS-ALG orders the IMS-AGW to connect to the core "
                             "(TS 23.334, 6.2.10.3.1.2.2)\n\n";
  absl::StrAppend(&report, ladder_.Draw(start_), "\n");
  if (!offer_changes_.empty()) {
    absl::StrAppend(&report, "  SDP offer, as the IMS-ALG changed it\n", offer_changes_);
  }
  if (!answer_changes_.empty()) {
    absl::StrAppend(&report, "  SDP answer, as the IMS-ALG changed it\n", answer_changes_);
  }
  return report;
}

void Flow::Note(absl::Time time, absl::string_view number, Party from, Party to,
                absl::string_view label, std::vector<std::string> facts, Step::Style style) {
  ladder_.Add({.time = time,
               .number = std::string(number),
               .from = from,
               .to = to,
               .label = std::string(label),
               .facts = std::move(facts),
               .style = style});
}

absl::Status Flow::Audit(const std::string& context_id, iq::AuditContextResponse* response) {
  grpc::ClientContext call;
  SetDeadline(&call);
  iq::AuditContextRequest request;
  request.set_context_id(context_id);
  return common::FromGrpcStatus(agw_->AuditContext(&call, request, response));
}

absl::Status Flow::ListContexts(std::set<std::string>* ids) {
  grpc::ClientContext call;
  SetDeadline(&call);
  iq::ListContextsRequest request;
  request.set_page_size(1000);
  iq::ListContextsResponse response;
  RETURN_IF_ERROR(common::FromGrpcStatus(agw_->ListContexts(&call, request, &response)));
  ids->insert(response.context_ids().begin(), response.context_ids().end());
  return absl::OkStatus();
}

absl::Status Flow::Offer() {
  ASSIGN_OR_RETURN(core_listener_, peers::Listener::Listen({.ip = stage_.core_ip, .port = 0}));
  const common::TransportAddress core_address = core_listener_->address();
  core_path_ = peers::MsrpUri(false, core_address, "core");
  std::set<std::string> contexts_before;
  RETURN_IF_ERROR(ListContexts(&contexts_before));

  alg::ProcessOfferRequest request;
  request.set_request_id(triggered() ? "flow-1-offer" : "flow-2-offer");
  request.set_direction(alg::DIRECTION_TERMINATING);
  request.set_sdp(
      peers::MakeOffer({.address = core_address, .path = core_path_, .setup = "actpass"}));
  request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
  request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
  request.set_core_connect(variant_);
  const absl::Time sent = absl::Now();
  grpc::ClientContext call;
  SetDeadline(&call);
  alg::ProcessOfferResponse response;
  RETURN_IF_ERROR(common::FromGrpcStatus(alg_->ProcessOffer(&call, request, &response)));
  const absl::Time forwarded = absl::Now();
  Note(sent, "1", Party::kCore, Party::kController, "SDP offer",
       {absl::StrCat("TCP/MSRP ", core_address.ToString())});

  EXPECT_SO(response.outcome().has_forward(), "the IMS-ALG rejected the offer");
  session_id_ = response.session_id();
  offer_changes_ = LineChanges(request.sdp(), response.outcome().forward().sdp());
  ASSIGN_OR_RETURN(offered_, peers::ReadMedia(response.outcome().forward().sdp()));
  EXPECT_SO(offered_.transport == "TCP/TLS/MSRP" && offered_.e2ae_applied,
            "the offer to the UE has no e2ae security");
  EXPECT_SO(offered_.path == core_path_, "the path was changed");

  std::set<std::string> contexts_after;
  RETURN_IF_ERROR(ListContexts(&contexts_after));
  for (const std::string& id : contexts_after) {
    if (contexts_before.count(id) == 0) context_id_ = id;
  }
  iq::AuditContextResponse audit;
  RETURN_IF_ERROR(Audit(context_id_, &audit));
  const iq::TerminationAudit* t1 = Find(audit, iq::SIDE_ACCESS);
  const iq::TerminationAudit* t2 = Find(audit, iq::SIDE_CORE);
  EXPECT_SO(t1 != nullptr && t2 != nullptr, "T1 or T2 is missing");
  const bool interlinked =
      t1->bearer_control().interlinkage().topology() == iq::Interlinkage::TOPOLOGY_T1_TO_T2;
  EXPECT_SO(interlinked == triggered(), "wrong interlinkage topology");
  EXPECT_SO(
      t1->local_fingerprints_size() > 0 && t1->local_fingerprints(0).digest() == offered_.digest,
      "the offered fingerprint is not T1's");
  const absl::Time reserved = TimeOf(audit.creation_time());
  Note(reserved, "2-4", Party::kController, Party::kGateway, "Reserve T1",
       {absl::StrCat("T1 ", Text(t1->local_address()), " TLS"),
        interlinked ? "SYNs dropped; SYN at T1 ⇒ SYN at T2" : "SYNs dropped; no interlinkage"});
  Note(reserved, "5-7", Party::kController, Party::kGateway, "Reserve T2",
       {absl::StrCat("T2 ", Text(t2->local_address())),
        absl::StrCat("to ", Text(t2->remote().address()))});
  Note(forwarded, "8-9", Party::kController, Party::kPhone, "SDP offer",
       {absl::StrCat("TCP/TLS/MSRP ", offered_.address.ToString()),
        absl::StrCat("AGW sha-256 ", Short(offered_.digest))});
  return absl::OkStatus();
}

absl::Status Flow::EarlySyn() {
  const absl::Time sent = absl::Now();
  ASSIGN_OR_RETURN(peers::Socket socket, peers::Socket::StartConnect(
                                             {.ip = stage_.phone_ip, .port = 0}, offered_.address));
  phone_.emplace(std::move(socket));
  // The notification comes within a second; the count is in the audit at once.
  uint64_t dropped_count = 0;
  for (const absl::Time deadline = sent + kPatience; dropped_count == 0;) {
    iq::AuditContextResponse audit;
    RETURN_IF_ERROR(Audit(context_id_, &audit));
    if (Find(audit, iq::SIDE_ACCESS) != nullptr) {
      dropped_count = Find(audit, iq::SIDE_ACCESS)->dropped_syn_count();
    }
    EXPECT_SO(absl::Now() < deadline, "the IMS-AGW did not see the SYN");
    absl::SleepFor(absl::Milliseconds(1));
  }
  const absl::Status answer = phone_->socket().WaitConnected(absl::ZeroDuration());
  EXPECT_SO(absl::IsDeadlineExceeded(answer), "the SYN was answered");
  EXPECT_SO(core_listener_->StaysQuiet(absl::ZeroDuration()), "a SYN went to the core already");
  Note(sent, "10", Party::kPhone, Party::kGateway, "SYN",
       {absl::StrCat("from ", phone_->socket().local_address().ToString()),
        absl::StrCat("no answer; AGW dropped ", dropped_count)},
       Step::Style::kLost);
  return absl::OkStatus();
}

absl::Status Flow::Answer() {
  phone_path_ = peers::MsrpUri(true, {.ip = stage_.phone_ip, .port = 2855}, "phone");
  alg::ProcessAnswerRequest request;
  request.set_request_id(triggered() ? "flow-1-answer" : "flow-2-answer");
  request.set_session_id(session_id_);
  request.set_sdp(peers::MakeAnswer({.address = {.ip = stage_.phone_ip, .port = 9},
                                     .path = phone_path_,
                                     .setup = "active",
                                     .fingerprint = certificate_.sdp_fingerprint()}));
  const absl::Time sent = absl::Now();
  grpc::ClientContext call;
  SetDeadline(&call);
  alg::ProcessAnswerResponse response;
  RETURN_IF_ERROR(common::FromGrpcStatus(alg_->ProcessAnswer(&call, request, &response)));
  const absl::Time forwarded = absl::Now();
  Note(sent, triggered() ? "13" : "12", Party::kPhone, Party::kController, "SDP answer",
       {"TCP/TLS/MSRP setup:active", absl::StrCat("UE sha-256 ", Short(certificate_.digest()))});

  EXPECT_SO(response.outcome().has_forward() && !response.session_ended(),
            "the IMS-ALG rejected the answer");
  answer_changes_ = LineChanges(request.sdp(), response.outcome().forward().sdp());
  ASSIGN_OR_RETURN(const peers::ReceivedMedia media,
                   peers::ReadMedia(response.outcome().forward().sdp()));
  EXPECT_SO(media.transport == "TCP/MSRP" && media.fingerprint.empty(),
            "the answer to the core is not plain MSRP");
  EXPECT_SO(media.path == phone_path_, "the path was changed");

  iq::AuditContextResponse audit;
  RETURN_IF_ERROR(Audit(context_id_, &audit));
  const iq::TerminationAudit* t1 = Find(audit, iq::SIDE_ACCESS);
  EXPECT_SO(t1 != nullptr && t1->remote().fingerprints_size() == 1 &&
                t1->remote().fingerprints(0).digest() == certificate_.digest(),
            "T1 does not know the UE's fingerprint");
  EXPECT_SO(t1->bearer_control().syn_policy().has_accept_from(),
            "T1 takes SYNs of anyone or no one");
  const iq::SynPolicy::AcceptFrom& accept = t1->bearer_control().syn_policy().accept_from();
  const std::string& source = accept.sources_size() > 0 ? accept.sources(0).ip_address()
                                                        : t1->remote().address().ip_address();
  Note(sent, triggered() ? "14-16" : "13-15", Party::kController, Party::kGateway, "Conf. T1",
       {"SYN only from " + source,
        "verify UE sha-256 " + Short(t1->remote().fingerprints(0).digest())});
  if (!triggered()) {
    Note(sent, "16-18", Party::kController, Party::kGateway, "Conf. T2", {"establish TCP now"});
  }
  Note(forwarded, triggered() ? "17-18" : "20-21", Party::kController, Party::kCore, "SDP answer",
       {absl::StrCat("TCP/MSRP ", media.address.ToString())});
  return absl::OkStatus();
}

absl::Status Flow::Connect() {
  RETURN_IF_ERROR(Named("phone", phone_->socket().WaitConnected()));
  const absl::Time connected = absl::Now();
  const peers::TcpFacts facts = phone_->socket().tcp_facts();
  EXPECT_SO(facts.retransmission_count > 0, "the first SYN was answered after all");
  EXPECT_SO(
      stage_.notifications->WaitForKind(iq::Notification::kSynDropped, context_id_, iq::SIDE_ACCESS)
          .has_value(),
      "the IMS-AGW did not report the dropped SYN");
  const absl::optional<iq::Notification> t1 = stage_.notifications->WaitForKind(
      iq::Notification::kTcpEstablished, context_id_, iq::SIDE_ACCESS);
  EXPECT_SO(t1.has_value(), "T1 has no TCP connection");
  EXPECT_SO(
      Text(t1->tcp_established().remote_address()) == phone_->socket().local_address().ToString(),
      "T1 is connected to somebody else");
  Note(std::min(connected, TimeOf(t1->time())), "10'", Party::kPhone, Party::kGateway, "SYN again",
       {absl::StrFormat("retransmission %d was answered", facts.retransmission_count)});

  ASSIGN_OR_RETURN(peers::Socket accepted, core_listener_->Accept());
  core_.emplace(std::move(accepted));
  const absl::optional<iq::Notification> t2 = stage_.notifications->WaitForKind(
      iq::Notification::kTcpEstablished, context_id_, iq::SIDE_CORE);
  EXPECT_SO(t2.has_value(), "T2 has no TCP connection");
  EXPECT_SO(
      Text(t2->tcp_established().local_address()) == core_->socket().remote_address().ToString(),
      "the core peer is connected to somebody else");
  Note(TimeOf(t2->time()), triggered() ? "11" : "19", Party::kGateway, Party::kCore, "SYN",
       {absl::StrCat("from ", core_->socket().remote_address().ToString()),
        absl::StrCat("to ", core_->socket().local_address().ToString())});

  RETURN_IF_ERROR(Named(
      "TLS", phone_->StartTls({.certificate = &certificate_, .expected_digest = offered_.digest})));
  const absl::optional<iq::Notification> verified = stage_.notifications->WaitForKind(
      iq::Notification::kFingerprintVerified, context_id_, iq::SIDE_ACCESS);
  EXPECT_SO(verified.has_value(), "the IMS-AGW did not verify the UE's fingerprint");
  EXPECT_SO(verified->fingerprint_verified().fingerprint().digest() == certificate_.digest(),
            "the IMS-AGW verified another fingerprint");
  Note(TimeOf(verified->time()), triggered() ? "12" : "11", Party::kPhone, Party::kGateway,
       phone_->tls_version(),
       {phone_->cipher_suite(), "AGW " + Short(phone_->peer_digest()) + " as offered",
        "UE  " + Short(verified->fingerprint_verified().fingerprint().digest()) + " verified"},
       Step::Style::kTls);
  return absl::OkStatus();
}

absl::Status Flow::Talk() {
  peers::MsrpSession phone(&*phone_, phone_path_, core_path_);
  peers::MsrpSession core(&*core_, core_path_, phone_path_);
  const std::string to_phone = "Hello B, this is A.";
  const std::string to_core = "Hello A, I hear you.";
  const std::string file = MakeFile();

  absl::Status core_status;
  absl::Time greeted, file_complete;
  std::string core_heard, core_digest;
  std::thread core_thread([&] {
    core_status = [&]() -> absl::Status {
      greeted = absl::Now();
      RETURN_IF_ERROR(core.SendMessage("text/plain", to_phone));
      ASSIGN_OR_RETURN(const peers::MsrpMessage chat, core.ReceiveMessage());
      core_heard = chat.body;
      ASSIGN_OR_RETURN(const peers::MsrpMessage received, core.ReceiveMessage());
      file_complete = absl::Now();
      core_digest = peers::Sha256(received.body);
      return absl::OkStatus();
    }();
    // So that a phone that waits for it learns at once.
    if (!core_status.ok()) core_->Reset();
  });
  absl::Time answered, file_sent;
  std::string phone_heard;
  const absl::Status phone_status = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const peers::MsrpMessage chat, phone.ReceiveMessage());
    phone_heard = chat.body;
    answered = absl::Now();
    RETURN_IF_ERROR(phone.SendMessage("text/plain", to_core));
    file_sent = absl::Now();
    return phone.SendMessage("application/octet-stream", file);
  }();
  if (!phone_status.ok()) phone_->Reset();
  core_thread.join();
  RETURN_IF_ERROR(Named("phone", phone_status));
  RETURN_IF_ERROR(Named("core", core_status));
  EXPECT_SO(phone_heard == to_phone && core_heard == to_core, "a chat message was changed");
  EXPECT_SO(core_digest == peers::Sha256(file), "the file was changed");

  Note(greeted, "", Party::kCore, Party::kPhone, "MSRP chat",
       {absl::StrCat("\"", phone_heard, "\"")}, Step::Style::kTls);
  Note(answered, "", Party::kPhone, Party::kCore, "MSRP chat",
       {absl::StrCat("\"", core_heard, "\"")}, Step::Style::kTls);
  Note(file_sent, "", Party::kPhone, Party::kCore, "MSRP file",
       {absl::StrFormat("%s bytes in %d ms", Grouped(file.size()),
                        absl::ToInt64Milliseconds(file_complete - file_sent)),
        "sha-256 " + Short(core_digest) + " at both"},
       Step::Style::kTls);
  return absl::OkStatus();
}

absl::Status Flow::Release() {
  const absl::Time sent = absl::Now();
  grpc::ClientContext call;
  SetDeadline(&call);
  alg::ReleaseSessionRequest request;
  request.set_session_id(session_id_);
  alg::ReleaseSessionResponse response;
  RETURN_IF_ERROR(common::FromGrpcStatus(alg_->ReleaseSession(&call, request, &response)));
  EXPECT_SO(response.streams_size() == 1, "the stream is missing in the reply");
  const alg::StreamEnd& access = response.streams(0).access();
  const alg::StreamEnd& core = response.streams(0).core();
  EXPECT_SO(access.received_byte_count() == phone_->sent_byte_count() &&
                core.sent_byte_count() == core_->received_byte_count() &&
                core.sent_byte_count() == access.received_byte_count(),
            absl::StrCat("byte counts of B to A differ: sent ", phone_->sent_byte_count(), ", T1 ",
                         access.received_byte_count(), ", T2 ", core.sent_byte_count(),
                         ", received ", core_->received_byte_count()));
  EXPECT_SO(core.received_byte_count() == core_->sent_byte_count() &&
                access.sent_byte_count() == phone_->received_byte_count() &&
                access.sent_byte_count() == core.received_byte_count(),
            "byte counts of A to B differ");
  EXPECT_SO(phone_->WaitForEnd() != peers::Ending::kNone, "the phone is still connected");
  EXPECT_SO(core_->WaitForEnd() != peers::Ending::kNone, "the core peer is still connected");
  iq::AuditContextResponse audit;
  EXPECT_SO(absl::IsNotFound(Audit(context_id_, &audit)), "the context is still there");
  Note(sent, "", Party::kController, Party::kGateway, "Release",
       {absl::StrCat("B to A ", Grouped(access.received_byte_count()), " bytes"),
        absl::StrCat("A to B ", Grouped(core.received_byte_count()), " bytes"),
        "counted alike by B, T1, T2 and A"});
  return absl::OkStatus();
}

std::string LineChanges(absl::string_view before, absl::string_view after) {
  const std::vector<std::string> old_lines = absl::StrSplit(before, "\r\n", absl::SkipEmpty());
  const std::vector<std::string> new_lines = absl::StrSplit(after, "\r\n", absl::SkipEmpty());
  // Length of the longest common subsequence of the rests from (i, j).
  std::vector<std::vector<size_t>> common(old_lines.size() + 1,
                                          std::vector<size_t>(new_lines.size() + 1));
  for (size_t i = old_lines.size(); i-- > 0;) {
    for (size_t j = new_lines.size(); j-- > 0;) {
      common[i][j] = old_lines[i] == new_lines[j] ? common[i + 1][j + 1] + 1
                                                  : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string changes;
  const auto add = [&changes](absl::string_view sign, std::string line) {
    // A sha-256 fingerprint is longer than the page is wide.
    if (line.size() > 92)
      line = absl::StrCat(line.substr(0, 88), "…", line.substr(line.size() - 3));
    absl::StrAppend(&changes, "    ", sign, " ", line, "\n");
  };
  size_t i = 0;
  size_t j = 0;
  while (i < old_lines.size() || j < new_lines.size()) {
    if (i < old_lines.size() && j < new_lines.size() && old_lines[i] == new_lines[j]) {
      ++i, ++j;
    } else if (i < old_lines.size() &&
               (j == new_lines.size() || common[i + 1][j] >= common[i][j + 1])) {
      add("-", old_lines[i++]);
    } else {
      add("+", new_lines[j++]);
    }
  }
  return changes;
}

}  // namespace quickstart
