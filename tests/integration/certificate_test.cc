// Certificates of realms while the service runs: files that change, and sessions that do not notice.

#include "tests/peers/certificate.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/iq_session.h"
#include "tests/integration/testing/metric_changes.h"
#include "tests/integration/testing/services.h"

namespace integration {
namespace {

namespace iq = ims::iq::v1;
using common::IsOk;
using iq::Notification;
using peers::Certificate;

std::string File(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return absl::StrCat(folder != nullptr ? folder : "/tmp", "/", name);
}

void Write(const std::string& name, const std::string& content) {
  std::ofstream(File("new")) << content;
  ASSERT_EQ(std::rename(File("new").c_str(), File(name).c_str()), 0);
}

void WritePair(const Certificate& certificate) {
  Write("realm.key", certificate.key_pem());
  Write("realm.crt", certificate.certificate_pem());
}

ims::config::v1::AgwConfig ConfigWith(const Certificate& certificate) {
  WritePair(certificate);
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.mutable_realms(0)->mutable_certificate()->set_certificate_file(File("realm.crt"));
  config.mutable_realms(0)->mutable_certificate()->set_key_file(File("realm.key"));
  return config;
}

class CertificateTest : public testing::Test {
 protected:
  // The certificate of the access realm, as the status tells it.
  iq::Certificate OfTheRealm() {
    const iq::GatewayStatus status = services_.AgwStatus();
    EXPECT_EQ(status.certificates_size(), 2);
    return status.certificates(1);
  }

  bool WaitForRotationTo(const Certificate& certificate) {
    return services_.notifications()
        .WaitFor([&](const Notification& notification) {
          return notification.has_certificate_rotated() &&
                 notification.certificate_rotated().ip_realm() == "access" &&
                 notification.certificate_rotated().fingerprint().digest() == certificate.digest();
        })
        .has_value();
  }

  const Certificate first_ = Certificate::SelfSigned();
  Services services_{ConfigWith(first_)};
  MetricChanges metrics_{services_};
};

TEST_F(CertificateTest, R_SEC_18_AChangedFileIsForNewSessionsAndLiveOnesGoOn) {
  IqSession live(services_);
  ASSERT_THAT(live.Establish(), IsOk());
  EXPECT_EQ(live.phone().peer_digest(), first_.digest());
  IqSession announced(services_);
  ASSERT_THAT(announced.ReserveAccess(), IsOk());
  ASSERT_THAT(announced.ReserveCore(), IsOk());

  const Certificate second = Certificate::SelfSigned(peers::KeyType::kRsa2048);
  WritePair(second);
  ASSERT_TRUE(WaitForRotationTo(second));
  EXPECT_EQ(OfTheRealm().fingerprint().digest(), second.digest());
  EXPECT_TRUE(metrics_.AgwCounted(
      "iqgate_agw_certificate_reloads_total{realm=\"access\",result=\"taken\"}"));

  ASSERT_THAT(live.phone().Send("still here"), IsOk());
  EXPECT_THAT(live.core().Receive(10), common::IsOkAndHolds("still here"));
  ASSERT_THAT(announced.ConfigureAccess(), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Connection phone, announced.ConnectPhone());
  ASSERT_THAT(phone.StartTls(announced.PhoneTls()), IsOk());
  EXPECT_EQ(phone.peer_digest(), first_.digest());
  IqSession next(services_);
  ASSERT_THAT(next.Establish(), IsOk());
  EXPECT_EQ(next.access().local_fingerprints(0).digest(), second.digest());
  EXPECT_EQ(next.phone().peer_digest(), second.digest());
}

TEST_F(CertificateTest, FilesOfNoUseAreReportedAndTheOldOneStaysInUse) {
  Write("realm.crt", "nothing of the kind");
  EXPECT_TRUE(metrics_.AgwCounted(
      "iqgate_agw_certificate_reloads_total{realm=\"access\",result=\"refused\"}"));
  EXPECT_TRUE(metrics_.AgwCounted("iqgate_agw_certificate_files_usable{realm=\"access\"}", -1));
  EXPECT_EQ(OfTheRealm().fingerprint().digest(), first_.digest());
  IqSession session(services_);
  ASSERT_THAT(session.Establish(), IsOk());
  EXPECT_EQ(session.phone().peer_digest(), first_.digest());

  const Certificate second = Certificate::SelfSigned();
  WritePair(second);
  EXPECT_TRUE(WaitForRotationTo(second));
  EXPECT_TRUE(metrics_.AgwCounted("iqgate_agw_certificate_files_usable{realm=\"access\"}", 0));
}

}  // namespace
}  // namespace integration
