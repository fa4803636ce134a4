#include "agw-service/tls/tls_identities.h"

#include <memory>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

std::shared_ptr<const TlsIdentity> MakeIdentity() {
  return *TlsIdentity::Generate({.now = absl::Now()});
}

TEST(TlsIdentitiesTest, ARealmHasItsOwnOrTheCommonOne) {
  const auto common = MakeIdentity();
  const auto own = MakeIdentity();
  const TlsIdentities identities(common, {{"access", own}});
  EXPECT_EQ(identities.Of("access"), own);
  EXPECT_EQ(identities.Of("core"), common);
}

TEST(TlsIdentitiesTest, ANewOneIsForItsRealmOnly) {
  const auto common = MakeIdentity();
  TlsIdentities identities(common, {{"access", MakeIdentity()}});
  const auto next = MakeIdentity();
  identities.Set("access", next);
  EXPECT_EQ(identities.Of("access"), next);
  EXPECT_EQ(identities.Of("core"), common);
  const auto next_common = MakeIdentity();
  identities.Set("", next_common);
  EXPECT_EQ(identities.Of("access"), next);
  EXPECT_EQ(identities.Of("core"), next_common);
}

TEST(TlsIdentitiesTest, R_SEC_19_KnowsThoseOfAllRealmsByAnyHashFunction) {
  const auto common = MakeIdentity();
  const auto own = MakeIdentity();
  const TlsIdentities identities(common, {{"access", own}});
  for (const HashFunction hash_function : kHashFunctions) {
    EXPECT_TRUE(identities.Has(common->FingerprintBy(hash_function)));
    EXPECT_TRUE(identities.Has(own->FingerprintBy(hash_function)));
    EXPECT_FALSE(identities.Has(MakeIdentity()->FingerprintBy(hash_function)));
  }
}

TEST(TlsIdentitiesTest, R_SEC_19_KnowsAnOlderOneAsLongAsATerminationPresentsIt) {
  TlsIdentities identities(MakeIdentity(), {{"access", MakeIdentity()}});
  std::shared_ptr<const TlsIdentity> of_a_termination = identities.Of("access");
  const Fingerprint fingerprint = of_a_termination->fingerprint();
  identities.Set("access", MakeIdentity());
  identities.Set("access", MakeIdentity());
  EXPECT_TRUE(identities.Has(fingerprint));
  of_a_termination.reset();
  EXPECT_FALSE(identities.Has(fingerprint));
}

}  // namespace
}  // namespace agw
