#include "alg-service/api/request_check.h"

#include <functional>
#include <string>

#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using ims::alg::v1::ProcessOfferRequest;

ProcessOfferRequest GoodOffer() {
  ProcessOfferRequest request;
  request.set_request_id("request 1");
  request.set_direction(ims::alg::v1::DIRECTION_TERMINATING);
  request.set_sdp("v=0");
  return request;
}

TEST(RequestCheck, TakesAGoodOffer) { EXPECT_THAT(CheckRequest(GoodOffer()), common::IsOk()); }

TEST(RequestCheck, EveryBrokenFieldIsNamed) {
  struct Row {
    std::function<void(ProcessOfferRequest&)> spoil;
    absl::StatusCode code;
    std::string reason;
    std::string field;
  };
  const auto kInvalid = absl::StatusCode::kInvalidArgument;
  const std::vector<Row> rows = {
      {[](auto& r) { r.clear_request_id(); }, kInvalid, "FIELD_MISSING", "request_id"},
      {[](auto& r) { r.set_request_id(std::string(129, 'x')); }, kInvalid, "FIELD_INVALID",
       "request_id"},
      {[](auto& r) { r.set_request_id("a\nb"); }, kInvalid, "FIELD_INVALID", "request_id"},
      {[](auto& r) { r.clear_direction(); }, kInvalid, "FIELD_MISSING", "direction"},
      {[](auto& r) { r.set_direction(static_cast<ims::alg::v1::Direction>(9)); }, kInvalid,
       "FIELD_INVALID", "direction"},
      {[](auto& r) { r.set_direction(ims::alg::v1::DIRECTION_ORIGINATING); },
       absl::StatusCode::kUnimplemented, "DIRECTION_UNSUPPORTED", "direction"},
      {[](auto& r) { r.clear_sdp(); }, kInvalid, "FIELD_MISSING", "sdp"},
      {[](auto& r) { r.set_sdp(std::string(65'537, 'x')); }, kInvalid, "SDP_TOO_LARGE", "sdp"},
      {[](auto& r) { r.set_ue_signalling_address("ue.example.net"); }, kInvalid, "FIELD_INVALID",
       "ue_signalling_address"},
      {[](auto& r) { r.mutable_dialogue()->set_call_id(std::string(256, 'x')); }, kInvalid,
       "FIELD_INVALID", "dialogue.call_id"},
      {[](auto& r) {
         for (int i = 0; i < 17; ++i) {
           r.mutable_e2ae_support()->mutable_headers()->add_security_client("x");
         }
       },
       kInvalid, "FIELD_INVALID", "e2ae_support.headers.security_client"},
      {[](auto& r) {
         r.mutable_e2ae_support()->mutable_headers()->add_security_server(std::string(2049, 'x'));
       },
       kInvalid, "FIELD_INVALID", "e2ae_support.headers.security_server[0]"},
      {[](auto& r) { r.set_core_connect(static_cast<ims::alg::v1::CoreConnect>(9)); }, kInvalid,
       "FIELD_INVALID", "core_connect"},
      {[](auto& r) { r.set_early_syn(static_cast<ims::alg::v1::EarlySyn>(9)); }, kInvalid,
       "FIELD_INVALID", "early_syn"},
  };
  for (const Row& row : rows) {
    ProcessOfferRequest request = GoodOffer();
    row.spoil(request);
    const absl::Status status = CheckRequest(request);
    EXPECT_EQ(status.code(), row.code) << row.field;
    EXPECT_EQ(common::ErrorReasonOf(status), row.reason) << row.field;
    EXPECT_EQ(common::GetErrorInfo(status).domain, "alg.ims");
    EXPECT_EQ(common::ErrorMetadata(status, "field"), row.field);
  }
}

TEST(RequestCheck, AnAnswerNeedsItsSession) {
  ims::alg::v1::ProcessAnswerRequest request;
  request.set_request_id("answer-1");
  request.set_sdp("v=0");
  const absl::Status status = CheckRequest(request);
  EXPECT_EQ(common::ErrorReasonOf(status), "FIELD_MISSING");
  EXPECT_EQ(common::ErrorMetadata(status, "field"), "session_id");
}

}  // namespace
}  // namespace alg
