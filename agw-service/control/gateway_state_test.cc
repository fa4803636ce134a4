#include "agw-service/control/gateway_state.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "agw-service/control/notification_log.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/worker/admission.h"
#include "common/mutex.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

class GatewayStateTest : public testing::Test {
 protected:
  static std::shared_ptr<const TlsIdentity> MakeIdentity() {
    return *TlsIdentity::Generate({.now = absl::Now()});
  }
  static RealmTable MakeRealms() {
    std::vector<IpRealm> realms(1);
    realms[0].name = "both";
    realms[0].first_port = 20000;
    realms[0].last_port = 20009;
    realms[0].access_default = realms[0].core_default = true;
    return RealmTable(std::move(realms));
  }

  // All notifications, once the log has seen them; it is of no use afterwards.
  std::vector<iq::Notification> Notifications() {
    log_.reset();
    common::MutexLock lock(mutex_);
    return notifications_;
  }

  const RealmTable realms_ = MakeRealms();
  Admission admission_{10};
  common::Mutex mutex_;
  std::vector<iq::Notification> notifications_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<NotificationLog> log_ =
      std::make_unique<NotificationLog>(100, [this](const iq::Notification& notification) {
        common::MutexLock lock(mutex_);
        notifications_.push_back(notification);
      });
  GatewayState state_{"agw-1", "run-1", 3, realms_, admission_, *log_};
};

TEST_F(GatewayStateTest, TellsTheCertificatesInUseWithThoseOfRealmsThatHaveTheirOwn) {
  const auto common = MakeIdentity();
  state_.SetIdentity("", common);
  EXPECT_EQ(state_.Status().realms(0).certificate_fingerprints_size(), 0);
  const auto own = MakeIdentity();
  state_.SetIdentity("both", own);
  const iq::GatewayStatus status = state_.Status();
  ASSERT_EQ(status.realms(0).certificate_fingerprints_size(), 1);
  EXPECT_EQ(status.realms(0).certificate_fingerprints(0).digest(), own->fingerprint().digest());
  ASSERT_EQ(status.certificates_size(), 2);
  EXPECT_EQ(status.certificates(0).ip_realm(), "");
  EXPECT_TRUE(status.certificates(0).generated());
  EXPECT_EQ(status.certificates(0).fingerprint().digest(), common->fingerprint().digest());
  EXPECT_EQ(status.certificates(1).ip_realm(), "both");
  EXPECT_FALSE(status.certificates(1).generated());
  EXPECT_EQ(status.certificates(1).fingerprint().digest(), own->fingerprint().digest());
  EXPECT_EQ(status.certificates(1).not_after().seconds(), absl::ToUnixSeconds(own->not_after()));
  EXPECT_GT(status.certificates(1).in_use_since().seconds(), 0);
}

TEST_F(GatewayStateTest, R_SEC_18_ACertificateThatTakesThePlaceOfAnotherIsNotified) {
  state_.SetIdentity("", MakeIdentity());
  state_.SetIdentity("both", MakeIdentity());  // The first ones replace none.
  const auto next = MakeIdentity();
  state_.SetIdentity("both", next);
  const std::vector<iq::Notification> notifications = Notifications();
  ASSERT_EQ(notifications.size(), 1u);
  EXPECT_FALSE(notifications[0].has_termination());
  const auto& rotated = notifications[0].certificate_rotated();
  EXPECT_EQ(rotated.ip_realm(), "both");
  EXPECT_EQ(rotated.fingerprint().digest(), next->fingerprint().digest());
  EXPECT_EQ(rotated.not_after().seconds(), absl::ToUnixSeconds(next->not_after()));
}

TEST_F(GatewayStateTest, TheFirstCertificateThatEndsIsOfAnyRealm) {
  const auto lasting = MakeIdentity();
  const auto ending = *TlsIdentity::Generate({.now = absl::Now(), .validity = absl::Hours(1)});
  state_.SetIdentity("", lasting);
  EXPECT_EQ(state_.FirstCertificateEnd(), lasting->not_after());
  state_.SetIdentity("both", ending);
  EXPECT_EQ(state_.FirstCertificateEnd(), ending->not_after());
}

}  // namespace
}  // namespace agw
