// What an IMS-ALG may order of a termination, and what it may not.

#include "agw-service/context/termination_policy.h"

#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "agw-service/tls/testing/certificates.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::ErrorReasonOf;
using common::IpAddress;
using common::IsOk;
using common::TransportAddress;

constexpr char kOwnAddress[] = "192.0.2.1";
constexpr char kUeAddress[] = "192.0.2.7";

class TerminationPolicyTest : public testing::Test {
 protected:
  absl::Status Check(const RemoteDescriptor& remote, const BearerControl& control,
                     TerminationState state = TerminationState::kIdle) const {
    return policy_.Check(At(state), remote, control, /*remote_known=*/true);
  }
  TerminationPolicy::Circumstances At(TerminationState state) const {
    return {.state = state,
            .bound_ip = *IpAddress::Parse(kOwnAddress),
            .tls = true,
            .identities = identities_,
            .msrp = false,
            .own_addresses = own_addresses_,
            .remote_prefixes = remote_prefixes_,
            .allow_sha1_fingerprints = false};
  }
  static RemoteDescriptor Remote(const char* ip, uint16_t port) {
    return {TransportAddress{*IpAddress::Parse(ip), port}, {}};
  }
  static BearerControl WithPolicy(SynPolicy policy) {
    BearerControl control;
    control.syn_policy = std::move(policy);
    return control;
  }

  const std::shared_ptr<const TlsIdentity> identity_ = *TlsIdentity::Generate({.now = absl::Now()});
  const std::shared_ptr<const TlsIdentity> of_another_realm_ =
      *TlsIdentity::Generate({.now = absl::Now()});
  const TlsIdentities identities_{identity_, {{"other", of_another_realm_}}};
  const TestCertificate certificate_ = MakeTestCertificate();
  const common::RemotePrefixes remote_prefixes_ = {};
  const std::vector<common::OwnAddressRange> own_addresses_ = {
      {*IpAddress::Parse(kOwnAddress), 20000, 29999}};
  TerminationPolicy policy_{SetupTimers()};
};

// What is refused, with its reason.
struct Refusal {
  const char* name;
  RemoteDescriptor remote;
  BearerControl control;
  const char* reason;
};

TEST_F(TerminationPolicyTest, TS_36_R_SEC_19_RefusesWhatItMustNotDoAndSaysWhy) {
  BearerControl active;
  active.tcp_role = TcpRole::kActive;
  active.establish_tcp = true;
  BearerControl order_without_role;
  order_without_role.establish_tcp = true;
  BearerControl tls_order_without_role;
  tls_order_without_role.establish_tls = true;
  BearerControl tls_client;
  tls_client.tls_role = TlsRole::kClient;
  tls_client.establish_tls = true;
  const Refusal refusals[] = {
      {"own address", Remote(kOwnAddress, 20000), {}, "REMOTE_ADDRESS_FORBIDDEN"},
      {"unspecified", Remote("0.0.0.0", 9), {}, "REMOTE_ADDRESS_FORBIDDEN"},
      {"multicast", Remote("224.0.0.1", 9), {}, "REMOTE_ADDRESS_FORBIDDEN"},
      {"link-local", Remote("169.254.1.1", 9), {}, "REMOTE_ADDRESS_FORBIDDEN"},
      {"other family", Remote("2001:db8::1", 9), {}, "REMOTE_ADDRESS_FORBIDDEN"},
      {"own fingerprint",
       {absl::nullopt, FingerprintSet({identity_->fingerprint()})},
       {},
       "OWN_FINGERPRINT"},
      {"fingerprint of another realm's certificate, by another hash function",
       {absl::nullopt, FingerprintSet({certificate_.FingerprintBy(HashFunction::kSha256),
                                       of_another_realm_->FingerprintBy(HashFunction::kSha512)})},
       {},
       "OWN_FINGERPRINT"},
      {"sha-1 alone",
       {absl::nullopt, FingerprintSet({certificate_.FingerprintBy(HashFunction::kSha1)})},
       {},
       "FINGERPRINT_UNUSABLE"},
      {"no address to connect to", {}, active, "REMOTE_UNKNOWN"},
      {"no port to connect to", Remote(kUeAddress, 0), active, "REMOTE_UNKNOWN"},
      {"order to the passive", {}, order_without_role, "ROLE_UNSUPPORTED"},
      {"TLS order to the server", {}, tls_order_without_role, "ROLE_UNSUPPORTED"},
      {"TLS order without fingerprint", {}, tls_client, "REMOTE_UNKNOWN"},
      {"nobody to accept from",
       {},
       WithPolicy({SynPolicy::Kind::kAcceptFrom, {}}),
       "REMOTE_UNKNOWN"},
      {"source of another family",
       {},
       WithPolicy({SynPolicy::Kind::kAcceptFrom, {{.ip = *IpAddress::Parse("::1")}}}),
       "FIELD_INVALID"},
  };
  for (const Refusal& refusal : refusals) {
    EXPECT_EQ(ErrorReasonOf(Check(refusal.remote, refusal.control)), refusal.reason)
        << refusal.name;
  }
}

TEST_F(TerminationPolicyTest, AConnectionKeepsItsRolesAndItsPeer) {
  BearerControl passive = WithPolicy({SynPolicy::Kind::kLatch, {}});
  passive.tcp_role = TcpRole::kPassive;
  policy_.Apply(
      {absl::nullopt, FingerprintSet({certificate_.FingerprintBy(HashFunction::kSha256)})}, passive,
      /*remote_known=*/true);
  BearerControl active;
  active.tcp_role = TcpRole::kActive;
  EXPECT_THAT(Check({}, active), IsOk());
  EXPECT_EQ(ErrorReasonOf(Check({}, active, TerminationState::kEstablished)), "CONNECTION_EXISTS");
  // A connection that is not verified yet gives way.
  EXPECT_THAT(Check({}, active, TerminationState::kTlsHandshake), IsOk());
  EXPECT_TRUE(policy_.GivesUpConnectionFor({}, active, TerminationState::kTlsHandshake));
  EXPECT_FALSE(policy_.GivesUpConnectionFor({}, active, TerminationState::kEstablished));
  EXPECT_EQ(ErrorReasonOf(Check({}, {}, TerminationState::kReleased)), "TERMINATION_ENDED");
  EXPECT_EQ(ErrorReasonOf(Check({}, {}, TerminationState::kFailed)), "TERMINATION_ENDED");
}

TEST_F(TerminationPolicyTest, AcceptsTheRemoteAddressUnlessSourcesAreNamed) {
  const TransportAddress ue{*IpAddress::Parse(kUeAddress), 1234};
  const TransportAddress other{*IpAddress::Parse("192.0.2.8"), 1234};
  EXPECT_FALSE(policy_.Accepts(ue));
  policy_.Apply(Remote(kUeAddress, 9), WithPolicy({SynPolicy::Kind::kAcceptFrom, {}}), true);
  EXPECT_TRUE(policy_.Accepts(ue));
  EXPECT_FALSE(policy_.Accepts(other));
  policy_.Apply({}, WithPolicy({SynPolicy::Kind::kAcceptFrom, {{.ip = other.ip}}}), true);
  EXPECT_FALSE(policy_.Accepts(ue));
  EXPECT_TRUE(policy_.Accepts(other));
  policy_.Apply({}, WithPolicy({SynPolicy::Kind::kLatch, {}}), true);
  EXPECT_TRUE(policy_.Accepts(ue) && policy_.Accepts(other));
}

}  // namespace
}  // namespace agw
