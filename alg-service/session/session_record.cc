#include "alg-service/session/session_record.h"

#include <utility>
#include <vector>

#include "alg-service/offer_answer/e2ae_support.h"
#include "alg-service/session/session_error.h"

namespace alg {
namespace {

namespace api = ims::alg::v1;
using api::SessionRecord;

// ims.iq.v1.ControllerState, and what an offer leaves for the answer.
constexpr size_t kLargestRecord = 16 * 1024;
constexpr size_t kLargestOfferRecord = 12 * 1024;

template <typename Values>
bool AnyAnnouncesE2ae(const Values& values) {
  return AnnouncesE2aeForMsrp(std::vector<std::string>(values.begin(), values.end()));
}

bool UeSupportsE2ae(const api::E2aeSupport& support) {
  return support.has_headers() ? AnyAnnouncesE2ae(support.headers().security_client())
                               : support.indications().ue();
}

bool PCscfSupportsE2ae(const api::E2aeSupport& support) {
  return support.has_headers() ? AnyAnnouncesE2ae(support.headers().security_server())
                               : support.indications().p_cscf();
}

}  // namespace

SessionRecord MakeRecord(const api::ProcessOfferRequest& request, const SessionPolicy& policy,
                         std::string reserved_by) {
  SessionRecord record;
  record.set_format_version(kRecordFormatVersion);
  record.set_reserved_by(std::move(reserved_by));
  record.mutable_offered()->set_offer_sdp(request.sdp());
  record.mutable_offered()->set_ue_signalling_address(request.ue_signalling_address());
  record.set_core_connect(request.core_connect() == api::CORE_CONNECT_UNSPECIFIED
                              ? policy.core_connect
                              : request.core_connect());
  record.set_early_syn(request.early_syn() == api::EARLY_SYN_UNSPECIFIED ? policy.early_syn
                                                                         : request.early_syn());
  record.set_ue_supports_e2ae(UeSupportsE2ae(request.e2ae_support()));
  record.set_p_cscf_supports_e2ae(PCscfSupportsE2ae(request.e2ae_support()));
  if (request.has_dialogue()) *record.mutable_dialogue() = request.dialogue();
  return record;
}

SessionRecord WithAnswer(const SessionRecord& offered, const api::ProcessAnswerRequest& request) {
  SessionRecord record = offered;
  *record.mutable_agreed() = std::move(*record.mutable_offered());
  record.clear_offered();
  record.mutable_agreed()->set_answer_sdp(request.sdp());
  if (!request.ue_signalling_address().empty()) {
    record.mutable_agreed()->set_ue_signalling_address(request.ue_signalling_address());
  }
  return record;
}

absl::StatusOr<SessionRecord> ParseRecord(const std::string& controller_state) {
  SessionRecord record;
  if (!record.ParseFromString(controller_state) || record.format_version() == 0) {
    return SessionError(api::ERROR_REASON_GATEWAY_REFUSED, "the context has no record of ours");
  }
  if (record.format_version() > kRecordFormatVersion) {
    return SessionError(api::ERROR_REASON_RECORD_TOO_NEW,
                        "the session belongs to a newer version of the IMS-ALG");
  }
  return record;
}

api::SessionState StateOf(const SessionRecord& record) {
  return record.has_offered() ? api::SESSION_STATE_OFFERED : api::SESSION_STATE_ANSWERED;
}

const api::Exchange& CurrentExchange(const SessionRecord& record) {
  return record.has_offered() ? record.offered() : record.agreed();
}

bool IsSameOffer(const SessionRecord& a, const SessionRecord& b) {
  // The answer may have replaced the signalling address, so that of an answered one says nothing.
  const bool both_offered = a.has_offered() && b.has_offered();
  return CurrentExchange(a).offer_sdp() == CurrentExchange(b).offer_sdp() &&
         (!both_offered ||
          a.offered().ue_signalling_address() == b.offered().ue_signalling_address()) &&
         a.core_connect() == b.core_connect() && a.early_syn() == b.early_syn() &&
         a.ue_supports_e2ae() == b.ue_supports_e2ae() &&
         a.p_cscf_supports_e2ae() == b.p_cscf_supports_e2ae() &&
         a.dialogue().SerializeAsString() == b.dialogue().SerializeAsString();
}

absl::Status CheckRecordSize(const SessionRecord& record) {
  if (record.ByteSizeLong() <= (record.has_offered() ? kLargestOfferRecord : kLargestRecord)) {
    return absl::OkStatus();
  }
  return SessionError(api::ERROR_REASON_SDP_TOO_LARGE,
                      "offer and answer are larger than the record of a session can be",
                      {{"sip_status", "413"}, {"line", "1"}});
}

}  // namespace alg
