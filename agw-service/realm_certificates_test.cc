#include "agw-service/realm_certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agw-service/tls/testing/certificates.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using common::StatusIs;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// A realm whose files the test writes.
class RealmCertificatesTest : public testing::Test {
 protected:
  RealmCertificatesTest() {
    std::string pattern = testing::TempDir() + "/certificatesXXXXXX";
    directory_ = mkdtemp(pattern.data());
    ims::config::v1::RealmConfig* realm = config_.add_realms();
    realm->set_name("access");
    realm->mutable_certificate()->set_certificate_file(File("tls.crt"));
    realm->mutable_certificate()->set_key_file(File("tls.key"));
    config_.add_realms()->set_name("core");
  }

  std::string File(const std::string& name) const { return absl::StrCat(directory_, "/", name); }

  // As files are replaced well: each at once.
  void Write(const std::string& name, const std::string& content) const {
    std::ofstream(File("new")) << content;
    ASSERT_EQ(rename(File("new").c_str(), File(name).c_str()), 0);
  }
  void WritePair(const TestCertificate& certificate) const {
    Write("tls.crt", certificate.certificate_pem());
    Write("tls.key", certificate.key_pem());
  }

  RealmCertificates Read() const { return *RealmCertificates::Read(config_, absl::Now()); }

  ims::config::v1::AgwConfig config_;
  std::string directory_;
};

std::string InUse(const RealmCertificates& certificates) {
  return certificates.identities().at("access")->fingerprint().ToString();
}

std::string FingerprintOf(const TestCertificate& certificate) {
  return certificate.FingerprintBy(HashFunction::kSha256).ToString();
}

TEST_F(RealmCertificatesTest, ThoseOfRealmsThatHaveTheirOwnAreRead) {
  const TestCertificate own = MakeTestCertificate();
  WritePair(own);
  const RealmCertificates certificates = Read();
  EXPECT_EQ(certificates.identities().size(), 1u);
  EXPECT_EQ(InUse(certificates), FingerprintOf(own));
}

TEST_F(RealmCertificatesTest, AllMistakesAreToldAtOnceWithTheirPaths) {
  WritePair(MakeTestCertificate({.expired = true}));
  ims::config::v1::RealmConfig* realm = config_.mutable_realms(1);
  realm->mutable_certificate()->set_certificate_file(File("none.crt"));
  realm->mutable_certificate()->set_key_file(File("none.key"));
  EXPECT_THAT(RealmCertificates::Read(config_, absl::Now()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("realms[0].certificate: the certificate has expired"),
                             HasSubstr("realms[1].certificate.certificate_file: cannot read"),
                             HasSubstr("realms[1].certificate.key_file: cannot read"))));
}

TEST_F(RealmCertificatesTest, R_SEC_18_AChangedPairIsTakenWhateverItsKey) {
  WritePair(MakeTestCertificate());
  RealmCertificates certificates = Read();
  EXPECT_THAT(certificates.Look(absl::Now()), IsEmpty());
  for (const TestKeyType key_type :
       {TestKeyType::kRsa2048, TestKeyType::kP384, TestKeyType::kP256}) {
    const TestCertificate next = MakeTestCertificate({.key_type = key_type});
    WritePair(next);
    const std::vector<RealmCertificates::Change> changes = certificates.Look(absl::Now());
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].realm, "access");
    ASSERT_THAT(changes[0].identity, IsOk());
    EXPECT_EQ((*changes[0].identity)->fingerprint().ToString(), FingerprintOf(next));
    EXPECT_EQ(InUse(certificates), FingerprintOf(next));
    EXPECT_THAT(certificates.Look(absl::Now()), IsEmpty());
  }
}

TEST_F(RealmCertificatesTest, R_SEC_18_AChainThatGetsLongerIsTaken) {
  const TestCertificate own = MakeTestCertificate();
  WritePair(own);
  RealmCertificates certificates = Read();
  Write("tls.crt", own.certificate_pem() + MakeTestCertificate().certificate_pem());
  ASSERT_EQ(certificates.Look(absl::Now()).size(), 1u);
  EXPECT_EQ(certificates.identities().at("access")->chain().size(), 2u);
}

// Kubernetes shows a secret through a symbolic link, which it exchanges.
TEST_F(RealmCertificatesTest, R_SEC_18_ALinkThatIsExchangedIsFollowed) {
  const auto make_version = [&](const std::string& name, const TestCertificate& certificate) {
    ASSERT_EQ(mkdir(File(name).c_str(), 0700), 0);
    WritePair(certificate);
    for (const char* file : {"tls.crt", "tls.key"}) {
      ASSERT_EQ(rename(File(file).c_str(), File(absl::StrCat(name, "/", file)).c_str()), 0);
    }
    ASSERT_EQ(symlink(name.c_str(), File("new").c_str()), 0);
    ASSERT_EQ(rename(File("new").c_str(), File("..data").c_str()), 0);
  };
  make_version("version-1", MakeTestCertificate());
  ASSERT_EQ(symlink("..data/tls.crt", File("link.crt").c_str()), 0);
  ASSERT_EQ(symlink("..data/tls.key", File("link.key").c_str()), 0);
  config_.mutable_realms(0)->mutable_certificate()->set_certificate_file(File("link.crt"));
  config_.mutable_realms(0)->mutable_certificate()->set_key_file(File("link.key"));
  RealmCertificates certificates = Read();
  const TestCertificate next = MakeTestCertificate();
  make_version("version-2", next);
  EXPECT_EQ(certificates.Look(absl::Now()).size(), 1u);
  EXPECT_EQ(InUse(certificates), FingerprintOf(next));
}

TEST_F(RealmCertificatesTest, APairThatIsHalfChangedIsNeitherTakenNorToldOf) {
  const TestCertificate own = MakeTestCertificate();
  const TestCertificate next = MakeTestCertificate();
  WritePair(own);
  RealmCertificates certificates = Read();
  Write("tls.crt", next.certificate_pem());
  EXPECT_THAT(certificates.Look(absl::Now()), IsEmpty());
  EXPECT_EQ(InUse(certificates), FingerprintOf(own));
  Write("tls.key", next.key_pem());
  ASSERT_EQ(certificates.Look(absl::Now()).size(), 1u);
  EXPECT_EQ(InUse(certificates), FingerprintOf(next));
}

TEST_F(RealmCertificatesTest, FilesOfNoUseAreToldOfOnceAndTheOldOneStays) {
  const TestCertificate own = MakeTestCertificate();
  WritePair(own);
  RealmCertificates certificates = Read();
  const auto old = certificates.identities().at("access");
  const auto expect_told_once = [&](absl::string_view what) {
    EXPECT_THAT(certificates.Look(absl::Now()), IsEmpty());  // It may be half changed.
    const std::vector<RealmCertificates::Change> changes = certificates.Look(absl::Now());
    ASSERT_EQ(changes.size(), 1u) << what;
    EXPECT_THAT(changes[0].identity.status().message(), HasSubstr(what));
    EXPECT_THAT(certificates.Look(absl::Now()), IsEmpty());
    EXPECT_EQ(certificates.identities().at("access"), old);
  };
  Write("tls.crt", "no certificate");
  expect_told_once("no certificate in PEM");
  WritePair(MakeTestCertificate({.expired = true}));
  expect_told_once("has expired");
  ASSERT_EQ(unlink(File("tls.key").c_str()), 0);
  expect_told_once("cannot read");
  WritePair(own);
  const std::vector<RealmCertificates::Change> changes = certificates.Look(absl::Now());
  ASSERT_EQ(changes.size(), 1u);
  ASSERT_THAT(changes[0].identity, IsOk());
  EXPECT_EQ(*changes[0].identity, old);
}

}  // namespace
}  // namespace agw
