#include "alg-service/notification_log.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"

namespace alg {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class NotificationLogTest : public testing::Test {
 protected:
  std::string MetricsText() const {
    return prometheus::TextSerializer().Serialize(metrics_->registry()->Collect());
  }

  const GatewayId gateway_{"agw-0", "run-1"};
  const std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();
  NotificationLog log_{metrics_};
  std::string lines_;
  common::ScopedLogCapture capture_{
      [this](absl::string_view line) { absl::StrAppend(&lines_, line, "\n"); }};
};

TEST_F(NotificationLogTest, AFailureIsAWarningThatNamesTheSession) {
  ims::iq::v1::Notification notification;
  notification.mutable_termination()->set_context_id("c1");
  notification.mutable_termination()->set_side(ims::iq::v1::SIDE_ACCESS);
  notification.mutable_fingerprint_mismatch();
  log_.OnNotification(gateway_, notification);
  EXPECT_THAT(lines_,
              AllOf(HasSubstr("\"event\":\"iq_notification\""), HasSubstr("\"level\":\"warning\""),
                    HasSubstr("\"kind\":\"fingerprint_mismatch\""),
                    HasSubstr("\"session_id\":\"agw-0~run-1~c1\"")));
  EXPECT_THAT(MetricsText(), HasSubstr("iqgate_alg_iq_notifications_total{cause=\"\",kind="
                                       "\"fingerprint_mismatch\"} 1"));
}

TEST_F(NotificationLogTest, WhatIsAsItShouldBeIsOnlyCounted) {
  ims::iq::v1::Notification notification;
  notification.mutable_tcp_established();
  log_.OnNotification(gateway_, notification);
  EXPECT_THAT(lines_, IsEmpty());
  EXPECT_THAT(
      MetricsText(),
      HasSubstr("iqgate_alg_iq_notifications_total{cause=\"\",kind=\"tcp_established\"} 1"));
}

TEST_F(NotificationLogTest, GapsAndLossesAreTold) {
  log_.OnNotificationsMissed(gateway_, 5);
  log_.OnGatewayLost({gateway_, GatewayLoss::kRefused, 12});
  EXPECT_THAT(
      lines_,
      AllOf(HasSubstr("\"event\":\"iq_notifications_missed\""),
            HasSubstr("\"event\":\"gateway_lost\",\"instance_id\":\"agw-0\","
                      "\"incarnation\":\"run-1\",\"reason\":\"refused\",\"session_count\":12")));
  EXPECT_THAT(MetricsText(),
              AllOf(HasSubstr("iqgate_alg_iq_notifications_missed_total 5"),
                    HasSubstr("iqgate_alg_gateway_lost_total{reason=\"refused\"} 1"),
                    HasSubstr("iqgate_alg_sessions_lost_total{reason=\"refused\"} 12")));
}

TEST_F(NotificationLogTest, LossesAreCountedFrom0On) {
  for (const char* reason : {"restarted", "refused", "silent", "replaced"}) {
    for (const char* name : {"gateway_lost", "sessions_lost"}) {
      EXPECT_THAT(MetricsText(), HasSubstr(absl::StrCat("iqgate_alg_", name, "_total{reason=\"",
                                                        reason, "\"} 0")));
    }
  }
}

}  // namespace
}  // namespace alg
