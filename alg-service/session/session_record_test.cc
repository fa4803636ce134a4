#include "alg-service/session/session_record.h"

#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

namespace api = ims::alg::v1;

api::ProcessOfferRequest OfferRequest() {
  api::ProcessOfferRequest request;
  request.set_sdp("offer");
  request.set_ue_signalling_address("192.0.2.1");
  return request;
}

TEST(SessionRecord, AnAnswerMakesWhatWasOfferedAgreed) {
  const api::SessionRecord offered = MakeRecord(OfferRequest(), SessionPolicy(), "run");
  EXPECT_EQ(StateOf(offered), api::SESSION_STATE_OFFERED);
  EXPECT_FALSE(offered.has_agreed());

  api::ProcessAnswerRequest answer;
  answer.set_sdp("answer");
  const api::SessionRecord answered = WithAnswer(offered, answer);
  EXPECT_EQ(StateOf(answered), api::SESSION_STATE_ANSWERED);
  EXPECT_FALSE(answered.has_offered());
  EXPECT_EQ(answered.agreed().offer_sdp(), "offer");
  EXPECT_EQ(answered.agreed().answer_sdp(), "answer");
  EXPECT_EQ(answered.agreed().ue_signalling_address(), "192.0.2.1");
}

TEST(SessionRecord, IsTheSameOfferForEveryRunOfIt) {
  const api::SessionRecord one = MakeRecord(OfferRequest(), SessionPolicy(), "run 1");
  EXPECT_TRUE(IsSameOffer(one, MakeRecord(OfferRequest(), SessionPolicy(), "run 2")));
  api::ProcessOfferRequest other = OfferRequest();
  other.set_sdp("other offer");
  EXPECT_FALSE(IsSameOffer(one, MakeRecord(other, SessionPolicy(), "run 1")));
}

TEST(SessionRecord, IsReadBackAsItWasWritten) {
  const api::SessionRecord record = MakeRecord(OfferRequest(), SessionPolicy(), "run");
  ASSERT_OK_AND_ASSIGN(const api::SessionRecord read, ParseRecord(record.SerializeAsString()));
  EXPECT_EQ(read.SerializeAsString(), record.SerializeAsString());
}

TEST(SessionRecord, OneOfANewerFormatIsLeftToOthers) {
  api::SessionRecord record = MakeRecord(OfferRequest(), SessionPolicy(), "run");
  record.set_format_version(kRecordFormatVersion + 1);
  const absl::Status status = ParseRecord(record.SerializeAsString()).status();
  EXPECT_THAT(status, common::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(common::ErrorReasonOf(status), "RECORD_TOO_NEW");
}

TEST(SessionRecord, WhatIsNoRecordIsRefused) {
  for (const char* state : {"", "not a record"}) {
    EXPECT_EQ(common::ErrorReasonOf(ParseRecord(state).status()), "GATEWAY_REFUSED") << state;
  }
}

}  // namespace
}  // namespace alg
