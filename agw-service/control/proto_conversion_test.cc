// Every form of request that is refused, with its reason and the field to blame; every kind of
// event as a notification; what an audit shows.

#include "agw-service/control/proto_conversion.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agw-service/context/testing/context_harness.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;
using common::ErrorMetadata;
using common::ErrorReasonOf;
using common::IsOk;

// 20 and 32 octets, of which no certificate is likely to have the digest.
constexpr char kSha1Digest[] = "aaaaaaaaaaaaaaaaaaaa";
constexpr char kSha256Digest[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// A request in protobuf's text form that is refused.
struct Refusal {
  std::string text;
  const char* reason;
  const char* field;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

void ExpectRefused(const absl::Status& status, const Refusal& refusal) {
  EXPECT_EQ(status.code(), refusal.code) << refusal.text;
  EXPECT_EQ(ErrorReasonOf(status), refusal.reason) << refusal.text;
  EXPECT_EQ(ErrorMetadata(status, "field"), refusal.field) << refusal.text;
}

TEST(TerminationKeyTest, IsNamedInFull) {
  const absl::StatusOr<TerminationKey> key = ToTerminationKey(
      Parse<iq::TerminationId>("context_id: 'A-z_0.9' stream_id: 64 side: SIDE_CORE"));
  ASSERT_THAT(key, IsOk());
  EXPECT_EQ(key->stream_id, 64u);
  EXPECT_EQ(key->side, Side::kCore);
}

TEST(TerminationKeyTest, RefusesWhatNamesNoTermination) {
  const Refusal refusals[] = {
      {"stream_id: 1 side: SIDE_CORE", "FIELD_MISSING", "termination.context_id"},
      {"context_id: 'a b' stream_id: 1 side: SIDE_CORE", "FIELD_INVALID", "termination.context_id"},
      {"context_id: 'a~b' stream_id: 1 side: SIDE_CORE", "FIELD_INVALID", "termination.context_id"},
      {absl::StrCat("context_id: '", std::string(65, 'x'), "' stream_id: 1 side: SIDE_CORE"),
       "FIELD_INVALID", "termination.context_id"},
      {"context_id: 'c' side: SIDE_CORE", "FIELD_MISSING", "termination.stream_id"},
      {"context_id: 'c' stream_id: 65 side: SIDE_CORE", "FIELD_INVALID", "termination.stream_id"},
      {"context_id: 'c' stream_id: 1", "FIELD_MISSING", "termination.side"},
      {"context_id: 'c' stream_id: 1 side: 3", "FIELD_INVALID", "termination.side"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused(ToTerminationKey(Parse<iq::TerminationId>(refusal.text)).status(), refusal);
  }
}

TEST(TransactionIdTest, IsPrintableAsciiAndNotTooLong) {
  EXPECT_THAT(CheckTransactionId("t 1~"), IsOk());
  EXPECT_THAT(CheckTransactionId(std::string(128, 't')), IsOk());
  ExpectRefused(CheckTransactionId(""), {"", "FIELD_MISSING", "transaction_id"});
  for (const std::string& id : {std::string(129, 't'), std::string("\n"), std::string("\xc3\xa4"),
                                std::string("\0", 1), std::string("\x7f")}) {
    ExpectRefused(CheckTransactionId(id), {id, "FIELD_INVALID", "transaction_id"});
  }
}

constexpr char kPlain[] =
    "transport_protocol: TRANSPORT_PROTOCOL_TCP setup_mode: SETUP_MODE_ACTPASS ";
constexpr char kTls[] =
    "transport_protocol: TRANSPORT_PROTOCOL_TCP_TLS setup_mode: SETUP_MODE_ACTPASS ";

TEST(LocalDescriptorTest, R_ALG_04_IsTaken) {
  const absl::StatusOr<LocalDescriptor> local = ToLocalDescriptor(Parse<iq::LocalDescriptor>(
      absl::StrCat(kTls,
                   "ip_realm: 'access' address_family: ADDRESS_FAMILY_IPV6 "
                   "certificate_fingerprint_request: true")));
  ASSERT_THAT(local, IsOk());
  EXPECT_EQ(local->ip_realm, "access");
  EXPECT_EQ(local->family, LocalDescriptor::Family::kIpv6);
  EXPECT_EQ(local->transport_protocol, TransportProtocol::kTcpTls);
  EXPECT_EQ(local->fingerprint_hash_functions, std::vector<HashFunction>{HashFunction::kSha256});
  EXPECT_EQ(ToLocalDescriptor(Parse<iq::LocalDescriptor>(kPlain))->transport_protocol,
            TransportProtocol::kTcp);
}

TEST(LocalDescriptorTest, R_SEC_12_FingerprintsByOtherHashFunctionsComeInTheOrderOfTheRequest) {
  const absl::StatusOr<LocalDescriptor> local = ToLocalDescriptor(Parse<iq::LocalDescriptor>(
      absl::StrCat(kTls,
                   "certificate_fingerprint_request: true "
                   "certificate_fingerprint_hash_functions: ['SHA-512', 'sha-1', 'sha-256']")));
  ASSERT_THAT(local, IsOk());
  EXPECT_EQ(local->fingerprint_hash_functions,
            (std::vector<HashFunction>{HashFunction::kSha512, HashFunction::kSha1,
                                       HashFunction::kSha256}));
}

TEST(LocalDescriptorTest, R_SEC_12_HashFunctionsAreKnownAndStandOnceWithTheRequest) {
  constexpr char field[] = "local.certificate_fingerprint_hash_functions";
  const std::string request = absl::StrCat(kTls, "certificate_fingerprint_request: true ");
  const std::string functions = "certificate_fingerprint_hash_functions: ";
  const Refusal refusals[] = {
      {absl::StrCat(kTls, functions, "'sha-256'"), "FIELD_INVALID", field},
      {absl::StrCat(request, functions, "['sha-256', 'SHA-256']"), "FIELD_INVALID", field},
      {absl::StrCat(request, functions, "'md5'"), "FINGERPRINT_UNUSABLE", field},
      {absl::StrCat(request, functions, "''"), "FINGERPRINT_UNUSABLE", field},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused(ToLocalDescriptor(Parse<iq::LocalDescriptor>(refusal.text)).status(), refusal);
  }
}

TEST(LocalDescriptorTest, TS_06_RefusesWhatThisGatewayCannotOffer) {
  const Refusal refusals[] = {
      {"setup_mode: SETUP_MODE_ACTPASS", "FIELD_MISSING", "local.transport_protocol"},
      {"transport_protocol: 99 setup_mode: SETUP_MODE_ACTPASS", "TRANSPORT_UNSUPPORTED",
       "local.transport_protocol", absl::StatusCode::kUnimplemented},
      {"transport_protocol: TRANSPORT_PROTOCOL_TCP", "FIELD_MISSING", "local.setup_mode"},
      {"transport_protocol: TRANSPORT_PROTOCOL_TCP setup_mode: 2", "FIELD_INVALID",
       "local.setup_mode"},
      {absl::StrCat(kPlain, "address_family: 3"), "FIELD_INVALID", "local.address_family"},
      {absl::StrCat(kPlain, "certificate_fingerprint_request: true"), "FIELD_INVALID",
       "local.certificate_fingerprint_request"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused(ToLocalDescriptor(Parse<iq::LocalDescriptor>(refusal.text)).status(), refusal);
  }
}

std::string FingerprintText(const char* hash_function, const std::string& digest) {
  return absl::StrCat("fingerprints { hash_function: '", hash_function, "' digest: '", digest,
                      "' } ");
}

TEST(RemoteDescriptorTest, R_ALG_10_IsTaken) {
  const absl::StatusOr<RemoteDescriptor> remote =
      ToRemoteDescriptor(Parse<iq::RemoteDescriptor>(absl::StrCat(
          "address { ip_address: '2001:db8::1' port: 65535 }",
          FingerprintText("SHA-256", kSha256Digest), FingerprintText("sha-1", kSha1Digest))));
  ASSERT_THAT(remote, IsOk());
  EXPECT_EQ(remote->address->ToString(), "[2001:db8::1]:65535");
  ASSERT_EQ(remote->fingerprints.fingerprints().size(), 2u);
  EXPECT_EQ(remote->fingerprints.preferred_hash_function(), HashFunction::kSha256);
}

TEST(RemoteDescriptorTest, WhatIsAbsentStaysAbsent) {
  const absl::StatusOr<RemoteDescriptor> remote = ToRemoteDescriptor({});
  ASSERT_THAT(remote, IsOk());
  EXPECT_FALSE(remote->address.has_value());
  EXPECT_TRUE(remote->fingerprints.empty());
}

TEST(RemoteDescriptorTest, R_SEC_14_RefusesAddressesAndFingerprintsThatAreNone) {
  std::string too_many;
  for (int i = 0; i < 17; ++i) too_many += FingerprintText("sha-256", kSha256Digest);
  const Refusal refusals[] = {
      {"address {}", "FIELD_INVALID", "remote.address.ip_address"},
      {"address { ip_address: 'alice.example' port: 1 }", "FIELD_INVALID",
       "remote.address.ip_address"},
      {"address { ip_address: 'fe80::1%eth0' port: 1 }", "FIELD_INVALID",
       "remote.address.ip_address"},
      {"address { ip_address: '[2001:db8::1]' port: 1 }", "FIELD_INVALID",
       "remote.address.ip_address"},
      {"address { ip_address: '::ffff:192.0.2.1' port: 1 }", "FIELD_INVALID",
       "remote.address.ip_address"},
      {"address { ip_address: '192.0.2.1' port: 65536 }", "FIELD_INVALID", "remote.address.port"},
      {too_many, "FIELD_INVALID", "remote.fingerprints"},
      {FingerprintText("md5", "aaaaaaaaaaaaaaaa"), "FINGERPRINT_UNUSABLE",
       "remote.fingerprints.hash_function"},
      {FingerprintText("sha-3", kSha256Digest), "FINGERPRINT_UNUSABLE",
       "remote.fingerprints.hash_function"},
      {FingerprintText("", kSha256Digest), "FINGERPRINT_UNUSABLE",
       "remote.fingerprints.hash_function"},
      {FingerprintText("sha-256", kSha1Digest), "FINGERPRINT_UNUSABLE",
       "remote.fingerprints.digest"},
      {FingerprintText("sha-1", ""), "FINGERPRINT_UNUSABLE", "remote.fingerprints.digest"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused(ToRemoteDescriptor(Parse<iq::RemoteDescriptor>(refusal.text)).status(), refusal);
  }
}

TEST(BearerControlTest, WhatIsAbsentStaysAsItIs) {
  const absl::StatusOr<BearerControl> control = ToBearerControl({}, /*orders_allowed=*/false);
  ASSERT_THAT(control, IsOk());
  EXPECT_FALSE(control->tcp_role.has_value());
  EXPECT_FALSE(control->tls_role.has_value());
  EXPECT_FALSE(control->syn_policy.has_value());
  EXPECT_FALSE(control->interlinkage.has_value());
  EXPECT_FALSE(control->establish_tcp || control->establish_tls);
  EXPECT_FALSE(control->await_configuration.has_value());
  EXPECT_FALSE(control->tcp_establishment.has_value());
  EXPECT_FALSE(control->tls_establishment.has_value());
}

TEST(BearerControlTest, R_ALG_11_R_ALG_13_IsTaken) {
  const absl::StatusOr<BearerControl> control = ToBearerControl(Parse<iq::BearerControl>(R"(
        tcp_role: TCP_ROLE_ACTIVE
        tls_role: TLS_ROLE_CLIENT
        syn_policy { accept_from {
          sources { ip_address: "192.0.2.1" }
          sources { ip_address: "2001:db8::" prefix_length: 128 port: 65535 }
          sources { ip_address: "198.51.100.0" prefix_length: 24 } } }
        interlinkage { topology: TOPOLOGY_T2_TO_T1 trigger: TRIGGER_ON_TLS_VERIFIED }
        establish { tcp_connection: true tls_session: true }
        setup_timers {
          await_configuration { seconds: 1800 }
          tcp_establishment { nanos: 1 }
          tls_establishment {} })"),
                                                                /*orders_allowed=*/true);
  ASSERT_THAT(control, IsOk());
  EXPECT_EQ(control->tcp_role, TcpRole::kActive);
  EXPECT_EQ(control->tls_role, TlsRole::kClient);
  EXPECT_EQ(control->syn_policy->kind, SynPolicy::Kind::kAcceptFrom);
  ASSERT_EQ(control->syn_policy->sources.size(), 3u);
  EXPECT_EQ(control->syn_policy->sources[0].prefix_length, 32);
  EXPECT_EQ(control->syn_policy->sources[1].prefix_length, 128);
  EXPECT_EQ(control->syn_policy->sources[1].port, 65535);
  EXPECT_EQ(control->syn_policy->sources[2].prefix_length, 24);
  EXPECT_EQ(control->interlinkage->topology, Interlinkage::Topology::kT2ToT1);
  EXPECT_EQ(control->interlinkage->trigger, Interlinkage::Trigger::kOnTlsVerified);
  EXPECT_TRUE(control->establish_tcp);
  EXPECT_TRUE(control->establish_tls);
  EXPECT_EQ(control->await_configuration, absl::Minutes(30));
  EXPECT_EQ(control->tcp_establishment, absl::Nanoseconds(1));
  EXPECT_FALSE(control->tls_establishment.has_value());  // Zero: as configured.
}

TEST(BearerControlTest, R_ALG_07_TheTriggerIsTheSynUnlessSaidOtherwise) {
  const absl::StatusOr<BearerControl> control =
      ToBearerControl(Parse<iq::BearerControl>("interlinkage { topology: TOPOLOGY_T1_TO_T2 }"),
                      /*orders_allowed=*/false);
  ASSERT_THAT(control, IsOk());
  EXPECT_EQ(control->interlinkage->topology, Interlinkage::Topology::kT1ToT2);
  EXPECT_EQ(control->interlinkage->trigger, Interlinkage::Trigger::kOnTcpSyn);
}

TEST(BearerControlTest, RefusesWhatBreaksAConstraint) {
  std::string too_many;
  for (int i = 0; i < 17; ++i) too_many += "sources { ip_address: '192.0.2.1' } ";
  const auto accept_from = [](const std::string& sources) {
    return absl::StrCat("syn_policy { accept_from { ", sources, " } }");
  };
  constexpr char kSources[] = "bearer_control.syn_policy.accept_from.sources";
  const Refusal refusals[] = {
      {"tcp_role: 3", "FIELD_INVALID", "bearer_control.tcp_role"},
      {"tls_role: 3", "FIELD_INVALID", "bearer_control.tls_role"},
      {"syn_policy {}", "FIELD_MISSING", "bearer_control.syn_policy.policy"},
      {accept_from(too_many), "FIELD_INVALID", kSources},
      {accept_from("sources {}"), "FIELD_INVALID",
       "bearer_control.syn_policy.accept_from.sources.ip_address"},
      {accept_from("sources { ip_address: '192.0.2.1' prefix_length: 33 }"), "FIELD_INVALID",
       "bearer_control.syn_policy.accept_from.sources.prefix_length"},
      {accept_from("sources { ip_address: '2001:db8::1' prefix_length: 129 }"), "FIELD_INVALID",
       "bearer_control.syn_policy.accept_from.sources.prefix_length"},
      {accept_from("sources { ip_address: '192.0.2.1' port: 65536 }"), "FIELD_INVALID",
       "bearer_control.syn_policy.accept_from.sources.port"},
      {"interlinkage {}", "FIELD_INVALID", "bearer_control.interlinkage.topology"},
      {"interlinkage { topology: 4 }", "FIELD_INVALID", "bearer_control.interlinkage.topology"},
      {"interlinkage { topology: TOPOLOGY_NONE trigger: 3 }", "FIELD_INVALID",
       "bearer_control.interlinkage.trigger"},
      {"establish { tcp_connection: true }", "FIELD_INVALID", "bearer_control.establish"},
      {"establish { tls_session: true }", "FIELD_INVALID", "bearer_control.establish"},
      {"setup_timers { await_configuration { seconds: 1800 nanos: 1 } }", "FIELD_INVALID",
       "bearer_control.setup_timers.await_configuration"},
      {"setup_timers { tcp_establishment { seconds: 601 } }", "FIELD_INVALID",
       "bearer_control.setup_timers.tcp_establishment"},
      {"setup_timers { tls_establishment { seconds: 301 } }", "FIELD_INVALID",
       "bearer_control.setup_timers.tls_establishment"},
      {"setup_timers { tls_establishment { nanos: -1 } }", "FIELD_INVALID",
       "bearer_control.setup_timers.tls_establishment"},
      {"setup_timers { tls_establishment { seconds: 9223372036854775807 } }", "FIELD_INVALID",
       "bearer_control.setup_timers.tls_establishment"},
  };
  for (const Refusal& refusal : refusals) {
    ExpectRefused(
        ToBearerControl(Parse<iq::BearerControl>(refusal.text), /*orders_allowed=*/false).status(),
        refusal);
  }
}

TEST(ControllerStateTest, HasAtMost16KiB) {
  iq::ControllerState state;
  state.set_data(std::string(16384, '\0'));
  state.set_expected_revision(7);
  const absl::StatusOr<absl::optional<ControllerStateUpdate>> update =
      ToControllerStateUpdate(/*present=*/true, state);
  ASSERT_THAT(update, IsOk());
  ASSERT_TRUE(update->has_value());
  EXPECT_EQ((*update)->data.size(), 16384u);
  EXPECT_EQ((*update)->expected_revision, 7u);
  state.set_data(std::string(16385, '\0'));
  ExpectRefused(ToControllerStateUpdate(/*present=*/true, state).status(),
                {"", "FIELD_INVALID", "controller_state.data"});
}

// An event at T1 of stream 2, and what of its notification belongs to its kind.
struct Told {
  EventKind kind;
  const char* text;
};

TEST(EventTest, EveryKindIsToldWithAllItKnows) {
  const common::TransportAddress local = *common::TransportAddress::Parse("192.0.2.1:1000");
  const common::TransportAddress remote = *common::TransportAddress::Parse("[2001:db8::2]:2000");
  const Fingerprint fingerprint = *Fingerprint::Create(HashFunction::kSha256, kSha256Digest);
  using Tls = TlsFailed::Cause;
  using Released = BearerReleased::Cause;
  const auto tls_failed = [](Tls cause) { return TlsFailed{cause, "why", 2}; };
  const auto released = [](Released cause) {
    return BearerReleased{cause, "why", {10, 20, absl::Milliseconds(1500)}};
  };
  const Told rows[] = {
      {SynDropped{5}, "syn_dropped { dropped_count: 5 }"},
      {TcpEstablished{local, remote, TcpRole::kActive},
       "tcp_established { local_address { ip_address: '192.0.2.1' port: 1000 } "
       "remote_address { ip_address: '2001:db8::2' port: 2000 } tcp_role: TCP_ROLE_ACTIVE }"},
      {TcpFailed{TcpFailed::Cause::kRefused, "why"},
       "tcp_failed { cause: CAUSE_REFUSED detail: 'why' }"},
      {TcpFailed{TcpFailed::Cause::kUnreachable, ""}, "tcp_failed { cause: CAUSE_UNREACHABLE }"},
      {TcpFailed{TcpFailed::Cause::kTimedOut, ""}, "tcp_failed { cause: CAUSE_TIMED_OUT }"},
      {TcpFailed{TcpFailed::Cause::kLocal, ""}, "tcp_failed { cause: CAUSE_LOCAL }"},
      {TlsEstablished{"TLSv1.3", "TLS_AES_128_GCM_SHA256", TlsRole::kServer},
       "tls_established { protocol_version: 'TLSv1.3' cipher_suite: 'TLS_AES_128_GCM_SHA256' "
       "tls_role: TLS_ROLE_SERVER }"},
      {tls_failed(Tls::kNotTls),
       "tls_failed { cause: CAUSE_NOT_TLS detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kProtocolVersion),
       "tls_failed { cause: CAUSE_PROTOCOL_VERSION detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kNoCommonCipher),
       "tls_failed { cause: CAUSE_NO_COMMON_CIPHER detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kNoCertificate),
       "tls_failed { cause: CAUSE_NO_CERTIFICATE detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kFingerprintMismatch),
       "tls_failed { cause: CAUSE_FINGERPRINT_MISMATCH detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kAlertReceived),
       "tls_failed { cause: CAUSE_ALERT_RECEIVED detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kClosedByPeer),
       "tls_failed { cause: CAUSE_CLOSED_BY_PEER detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kTimedOut),
       "tls_failed { cause: CAUSE_TIMED_OUT detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kProtocolError),
       "tls_failed { cause: CAUSE_PROTOCOL_ERROR detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kHandshakeTooLarge),
       "tls_failed { cause: CAUSE_HANDSHAKE_TOO_LARGE detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kCertificateRefused),
       "tls_failed { cause: CAUSE_CERTIFICATE_REFUSED detail: 'why' attempts_left: 2 }"},
      {tls_failed(Tls::kBadSignature),
       "tls_failed { cause: CAUSE_BAD_SIGNATURE detail: 'why' attempts_left: 2 }"},
      {FingerprintVerified{fingerprint},
       "fingerprint_verified { fingerprint { hash_function: 'sha-256' "
       "digest: 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' } }"},
      {FingerprintMismatch{fingerprint},
       "fingerprint_mismatch { presented { hash_function: 'sha-256' "
       "digest: 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' } }"},
      {released(Released::kClosedByPeers),
       "bearer_released { cause: CAUSE_CLOSED_BY_PEERS detail: 'why' received_byte_count: 10 "
       "sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {released(Released::kResetByPeer),
       "bearer_released { cause: CAUSE_RESET_BY_PEER detail: 'why' received_byte_count: 10 "
       "sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {released(Released::kOtherSideEnded),
       "bearer_released { cause: CAUSE_OTHER_SIDE_ENDED detail: 'why' received_byte_count: 10 "
       "sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {released(Released::kTlsError),
       "bearer_released { cause: CAUSE_TLS_ERROR detail: 'why' received_byte_count: 10 "
       "sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {released(Released::kClosedWithoutCloseNotify),
       "bearer_released { cause: CAUSE_CLOSED_WITHOUT_CLOSE_NOTIFY detail: 'why' "
       "received_byte_count: 10 sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {released(Released::kTimedOut),
       "bearer_released { cause: CAUSE_TIMED_OUT detail: 'why' received_byte_count: 10 "
       "sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {released(Released::kPeerVanished),
       "bearer_released { cause: CAUSE_PEER_VANISHED detail: 'why' received_byte_count: 10 "
       "sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {released(Released::kProtocolError),
       "bearer_released { cause: CAUSE_PROTOCOL_ERROR detail: 'why' received_byte_count: 10 "
       "sent_byte_count: 20 duration { seconds: 1 nanos: 500000000 } }"},
      {DescriptorShortage{"why"}, "descriptor_shortage { detail: 'why' }"},
      {SetupTimedOut{SetupTimedOut::Timer::kAwaitConfiguration},
       "setup_timed_out { timer: TIMER_AWAIT_CONFIGURATION }"},
      {SetupTimedOut{SetupTimedOut::Timer::kTcpEstablishment},
       "setup_timed_out { timer: TIMER_TCP_ESTABLISHMENT }"},
      {SetupTimedOut{SetupTimedOut::Timer::kTlsEstablishment},
       "setup_timed_out { timer: TIMER_TLS_ESTABLISHMENT }"},
      {HangingTermination{}, "hanging_termination {}"},
      {Draining{}, "draining {}"},
      {DrainEnded{}, "drain_ended {}"},
  };
  for (const Told& row : rows) {
    const Event event{absl::FromUnixMillis(1500), "c1", 2, Side::kAccess, row.kind};
    const iq::Notification expected = Parse<iq::Notification>(
        absl::StrCat("time { seconds: 1 nanos: 500000000 } "
                     "termination { context_id: 'c1' stream_id: 2 side: SIDE_ACCESS } ",
                     row.text));
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(ToProto(event), expected))
        << ToProto(event).ShortDebugString() << "\n"
        << expected.ShortDebugString();
  }
}

TEST(EventTest, WhatConcernsTheWholeNamesNoTermination) {
  const Event gateway{absl::UnixEpoch(), "", 0, absl::nullopt, Draining{}};
  EXPECT_FALSE(ToProto(gateway).has_termination());
  const Event context{absl::UnixEpoch(), "c1", 0, absl::nullopt, HangingTermination{}};
  EXPECT_EQ(ToProto(context).termination().context_id(), "c1");
  EXPECT_EQ(ToProto(context).termination().side(), iq::SIDE_UNSPECIFIED);
}

TEST(AuditTest, ShowsEverythingAsItIs) {
  ContextHarness harness;
  const Fingerprint fingerprint = *Fingerprint::Create(HashFunction::kSha256, kSha256Digest);
  BearerControl control;
  control.tls_role = TlsRole::kServer;
  control.interlinkage =
      Interlinkage{Interlinkage::Topology::kT1ToT2, Interlinkage::Trigger::kOnTcpSyn};
  control.tls_establishment = absl::Milliseconds(2500);
  control.stream_mode = StreamMode::kReceiveOnly;
  control.media_inactivity =
      MediaInactivityDetection{absl::Seconds(90), MediaInactivityDetection::Direction::kToPeer};
  control.heartbeat_interval = absl::Minutes(5);
  control.dscp = 46;
  control.policing = TrafficPolicing{.sustained_byte_rate = 4096, .burst_byte_count = 65536};
  control.syn_policy =
      SynPolicy{SynPolicy::Kind::kAcceptFrom,
                {{.ip = *common::IpAddress::Parse("127.0.0.0"), .prefix_length = 8, .port = 7}}};
  // The core side first: an audit is sorted all the same.
  ASSERT_THAT(harness.context().ReserveConnectionPoint({1, Side::kCore}, {}, absl::nullopt, {},
                                                       absl::nullopt),
              IsOk());
  ASSERT_THAT(harness.context().ReserveConnectionPoint(
                  {1, Side::kAccess},
                  {.ip_realm = "access",
                   .transport_protocol = TransportProtocol::kTcpTls,
                   .fingerprint_hash_functions = {HashFunction::kSha384, HashFunction::kSha256}},
                  RemoteDescriptor{*common::TransportAddress::Parse("127.0.0.30:9"),
                                   FingerprintSet({fingerprint})},
                  control, ControllerStateUpdate{"record", 0}),
              IsOk());

  const iq::AuditContextResponse audit = Audit(harness.context());
  EXPECT_EQ(audit.context_id(), "c1");
  EXPECT_GT(audit.creation_time().seconds(), 0);
  EXPECT_EQ(audit.controller_state(), "record");
  EXPECT_EQ(audit.controller_state_revision(), 1u);
  ASSERT_EQ(audit.terminations_size(), 2);
  ASSERT_EQ(audit.history_size(), 2);
  EXPECT_EQ(audit.history(0).call().procedure(),
            iq::HistoryEntry::PROCEDURE_RESERVE_CONNECTION_POINT);
  EXPECT_EQ(audit.history(0).call().termination().side(), iq::SIDE_CORE);
  EXPECT_EQ(audit.history(1).call().procedure(),
            iq::HistoryEntry::PROCEDURE_RESERVE_AND_CONFIGURE_CONNECTION_POINT);
  EXPECT_GT(audit.history(1).call().time().seconds(), 0);

  iq::TerminationAudit t1 = audit.terminations(0);
  EXPECT_EQ(t1.local_address().ip_address(), ContextHarness::kAccessAddress);
  EXPECT_EQ(t1.local_address().port(), harness.LocalAddressOf(Side::kAccess).port);
  ASSERT_EQ(t1.local_fingerprints_size(), 2);
  const TlsIdentity& identity = *harness.resources().identities.Of("access");
  EXPECT_EQ(t1.local_fingerprints(0).hash_function(), "sha-384");
  EXPECT_EQ(t1.local_fingerprints(0).digest(),
            identity.FingerprintBy(HashFunction::kSha384).digest());
  EXPECT_EQ(t1.local_fingerprints(1).digest(), identity.fingerprint().digest());
  t1.clear_local_address();
  t1.clear_local_fingerprints();
  const auto expected = Parse<iq::TerminationAudit>(R"(
    termination { context_id: "c1" stream_id: 1 side: SIDE_ACCESS }
    state: STATE_IDLE
    local { ip_realm: "access" address_family: ADDRESS_FAMILY_IPV4
            transport_protocol: TRANSPORT_PROTOCOL_TCP_TLS setup_mode: SETUP_MODE_ACTPASS
            certificate_fingerprint_request: true
            certificate_fingerprint_hash_functions: ["sha-384", "sha-256"] }
    remote { address { ip_address: "127.0.0.30" port: 9 }
             fingerprints { hash_function: "sha-256"
                            digest: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" } }
    bearer_control {
      tls_role: TLS_ROLE_SERVER
      syn_policy { accept_from {
        sources { ip_address: "127.0.0.0" prefix_length: 8 port: 7 } } }
      interlinkage { topology: TOPOLOGY_T1_TO_T2 trigger: TRIGGER_ON_TCP_SYN }
      setup_timers { await_configuration { seconds: 180 } tcp_establishment { seconds: 30 }
                     tls_establishment { seconds: 2 nanos: 500000000 } }
      stream_mode: STREAM_MODE_RECEIVE_ONLY
      media_inactivity { time { seconds: 90 } direction: DIRECTION_TO_PEER }
      heartbeat_interval { seconds: 300 }
      dscp: 46
      policing { sustained_byte_rate: 4096 burst_byte_count: 65536 } }
    statistics { termination { context_id: "c1" stream_id: 1 side: SIDE_ACCESS } duration {} })");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(t1, expected)) << t1.DebugString();

  const iq::TerminationAudit& t2 = audit.terminations(1);
  EXPECT_EQ(t2.termination().side(), iq::SIDE_CORE);
  EXPECT_EQ(t2.local().transport_protocol(), iq::TRANSPORT_PROTOCOL_TCP);
  EXPECT_FALSE(t2.has_remote());
  EXPECT_TRUE(t2.bearer_control().syn_policy().has_drop_all());
  EXPECT_EQ(t2.local_fingerprints_size(), 0);
}

TEST(AuditTest, WhatItShowsOfBearerControlIsARequestThatIsTaken) {
  ContextHarness harness;
  BearerControl control;
  control.syn_policy = SynPolicy{SynPolicy::Kind::kLatch, {}};
  ASSERT_THAT(harness.context().ReserveConnectionPoint({1, Side::kCore}, {}, absl::nullopt, control,
                                                       absl::nullopt),
              IsOk());
  const iq::TerminationAudit audit = Audit(harness.context()).terminations(0);
  EXPECT_THAT(ToLocalDescriptor(audit.local()), IsOk());
  const absl::StatusOr<BearerControl> again =
      ToBearerControl(audit.bearer_control(), /*orders_allowed=*/false);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->syn_policy->kind, SynPolicy::Kind::kLatch);
  EXPECT_EQ(again->interlinkage->topology, Interlinkage::Topology::kNone);
}

}  // namespace
}  // namespace agw
