#include "alg-service/session/session_record.h"

#include "absl/strings/str_cat.h"
#include "alg-service/session/session_error.h"

namespace alg {
namespace {

using ims::alg::v1::SessionRecord;

// ims.iq.v1.ControllerState, and what an offer leaves for the answer.
constexpr size_t kLargestRecord = 16 * 1024;
constexpr size_t kLargestOfferRecord = 12 * 1024;

}  // namespace

SessionRecord MakeRecord(const ims::alg::v1::ProcessOfferRequest& request, bool ue_supports_e2ae,
                         bool p_cscf_supports_e2ae, const SessionPolicy& policy) {
  SessionRecord record;
  record.set_offer_sdp(request.sdp());
  record.set_state(ims::alg::v1::SESSION_STATE_OFFERED);
  record.set_core_connect(request.core_connect() == ims::alg::v1::CORE_CONNECT_UNSPECIFIED
                              ? policy.core_connect
                              : request.core_connect());
  record.set_early_syn(request.early_syn() == ims::alg::v1::EARLY_SYN_UNSPECIFIED
                           ? policy.early_syn
                           : request.early_syn());
  record.set_ue_supports_e2ae(ue_supports_e2ae);
  record.set_p_cscf_supports_e2ae(p_cscf_supports_e2ae);
  record.set_ue_signalling_address(request.ue_signalling_address());
  if (request.has_dialogue()) *record.mutable_dialogue() = request.dialogue();
  return record;
}

SessionRecord WithAnswer(const SessionRecord& offered,
                         const ims::alg::v1::ProcessAnswerRequest& request) {
  SessionRecord record = offered;
  record.set_answer_sdp(request.sdp());
  record.set_state(ims::alg::v1::SESSION_STATE_ANSWERED);
  if (!request.ue_signalling_address().empty()) {
    record.set_ue_signalling_address(request.ue_signalling_address());
  }
  return record;
}

bool IsSameOffer(const SessionRecord& a, const SessionRecord& b) {
  // The answer may have replaced the signalling address, so that of an answered one says nothing.
  const bool has_answer = a.state() == ims::alg::v1::SESSION_STATE_ANSWERED ||
                          b.state() == ims::alg::v1::SESSION_STATE_ANSWERED;
  return a.offer_sdp() == b.offer_sdp() && a.core_connect() == b.core_connect() &&
         a.early_syn() == b.early_syn() && a.ue_supports_e2ae() == b.ue_supports_e2ae() &&
         a.p_cscf_supports_e2ae() == b.p_cscf_supports_e2ae() &&
         (has_answer || a.ue_signalling_address() == b.ue_signalling_address()) &&
         a.dialogue().SerializeAsString() == b.dialogue().SerializeAsString();
}

absl::Status CheckRecordSize(const SessionRecord& record) {
  const bool is_offer = record.state() == ims::alg::v1::SESSION_STATE_OFFERED;
  if (record.ByteSizeLong() <= (is_offer ? kLargestOfferRecord : kLargestRecord)) {
    return absl::OkStatus();
  }
  return SessionError(ims::alg::v1::ERROR_REASON_SDP_TOO_LARGE,
                      "offer and answer are larger than the record of a session can be",
                      {{"sip_status", "413"}, {"line", "1"}});
}

}  // namespace alg
