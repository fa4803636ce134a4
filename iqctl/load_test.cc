#include "iqctl/load.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/notification.pb.h"
#include "ims/iq/v1/termination.pb.h"

namespace iqctl {
namespace {

using common::MonotonicTime;
using ims::iq::v1::Notification;
using ims::iqctl::v1::LoadReport;
using testing::HasSubstr;

class LoadTest : public testing::Test {
 protected:
  void Look() {
    GatewayNews news;
    news.gateways.resize(2);
    news.gateways[0].addresses = {"192.0.2.1:7060"};
    news.gateways[0].status.set_instance_id("agw-1");
    news.gateways[0].status.set_context_count(4);
    news.gateways[0].status.set_context_limit(10);
    news.gateways[1].addresses = {"192.0.2.2:7060"};
    news.gateways[1].error = absl::UnavailableError("refused");
    load_.Add(news, now_);
    news.kind = GatewayNews::Kind::kFollowed;
    news.instance_id = "agw-1";
    load_.Add(news, now_);
  }

  void Happens(const Notification& notification, uint64_t missed_count = 0) {
    GatewayNews news;
    news.kind = GatewayNews::Kind::kNotification;
    news.instance_id = "agw-1";
    news.notification = notification;
    news.missed_count = missed_count;
    load_.Add(news, now_);
  }

  static Notification TlsEstablished(ims::iq::v1::Side side) {
    Notification notification;
    notification.mutable_termination()->set_side(side);
    notification.mutable_tls_established();
    return notification;
  }

  static Notification TlsFailed(Notification::TlsFailed::Cause cause) {
    Notification notification;
    notification.mutable_tls_failed()->set_cause(cause);
    return notification;
  }

  LoadReport ReportAfter(absl::Duration duration) {
    now_ += duration;
    return load_.Report(now_);
  }

  MonotonicTime now_ = MonotonicTime::Now();
  Load load_{now_};
};

TEST_F(LoadTest, RatesAreSinceTheLastReportAndCountsSinceTheBeginning) {
  Look();
  Happens(TlsEstablished(ims::iq::v1::SIDE_ACCESS));
  Happens(TlsEstablished(ims::iq::v1::SIDE_CORE));
  LoadReport report = ReportAfter(absl::Seconds(4));
  EXPECT_EQ(report.gateways(0).events_per_second(), 0.5);
  EXPECT_EQ(report.gateways(0).established_count(), 1u);
  EXPECT_EQ(report.gateways(0).observed().seconds(), 4);
  Happens(TlsEstablished(ims::iq::v1::SIDE_ACCESS));
  report = ReportAfter(absl::Milliseconds(500));
  EXPECT_EQ(report.gateways(0).events_per_second(), 2);
  EXPECT_EQ(report.gateways(0).established_count(), 2u);
  EXPECT_EQ(report.gateways(0).observed().nanos(), 500'000'000);
}

TEST_F(LoadTest, TellsTheMostFrequentFailure) {
  Look();
  Happens(TlsFailed(Notification::TlsFailed::CAUSE_NOT_TLS));
  Happens(TlsFailed(Notification::TlsFailed::CAUSE_NO_CERTIFICATE), 5);
  Happens(TlsFailed(Notification::TlsFailed::CAUSE_NO_CERTIFICATE));
  Notification other;  // What is no set-up that failed.
  other.mutable_hanging_termination();
  Happens(other);
  const LoadReport report = ReportAfter(absl::Seconds(1));
  EXPECT_EQ(report.gateways(0).failed_count(), 3u);
  EXPECT_EQ(report.gateways(0).most_frequent_failure(), "tls_failed no_certificate");
  EXPECT_EQ(report.gateways(0).missed_count(), 5u);
}

TEST_F(LoadTest, TextShowsThoseThatDoNotAnswerToo) {
  Look();
  const std::string text = LoadText(ReportAfter(absl::Seconds(3)), Terminal());
  EXPECT_THAT(text, HasSubstr("2 IMS-AGWs, 4 of 10 sessions; counting for 3 s\n\n"));
  EXPECT_THAT(text, testing::ContainsRegex("agw-1 +up +4/10 +0\\.0 +0 +0\n"));
  EXPECT_THAT(text, testing::ContainsRegex("192\\.0\\.2\\.2:7060 +unreachable .*refused\n"));
}

}  // namespace
}  // namespace iqctl
