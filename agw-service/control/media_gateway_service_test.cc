// Iq over gRPC on loopback, with real workers behind it. What terminations do is tested in
// context/; here it is repetition, errors as clients see them, pages and streams.

#include "agw-service/control/media_gateway_service.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agw-service/control/notification_log.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/tls/tls_identities.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/worker/admission.h"
#include "common/check.h"
#include "common/error.h"
#include "common/grpc_status.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;
using common::ErrorMetadata;
using common::ErrorReasonOf;
using common::IsOk;
using common::StatusIs;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::seconds kPatience(20);
constexpr size_t kLogCapacity = 4;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

// A call under way; gives up in the end, so that a test which waits in vain fails.
std::unique_ptr<grpc::ClientContext> NewCall() {
  auto call = std::make_unique<grpc::ClientContext>();
  call->set_deadline(std::chrono::system_clock::now() + kPatience);
  return call;
}

class MediaGatewayServiceTest : public testing::Test {
 protected:
  MediaGatewayServiceTest() {
    state_.SetIdentity("", identity_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = iq::MediaGatewayService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~MediaGatewayServiceTest() override {
    streams_.CloseAll();
    server_->Shutdown();
    workers_.reset();
  }

  // Calls `method` of the stub.
  template <typename Method, typename Request, typename Response>
  absl::Status Call(Method method, const Request& request, Response* response) {
    return common::FromGrpcStatus((stub_.get()->*method)(NewCall().get(), request, response));
  }

  static iq::ReserveConnectionPointRequest ReserveRequest(const std::string& context_id,
                                                          const std::string& transaction_id) {
    return Parse<iq::ReserveConnectionPointRequest>(
        absl::StrCat("termination { context_id: '", context_id,
                     "' stream_id: 1 side: SIDE_ACCESS } transaction_id: '", transaction_id,
                     "' local { transport_protocol: TRANSPORT_PROTOCOL_TCP_TLS setup_mode: "
                     "SETUP_MODE_ACTPASS certificate_fingerprint_request: true }"));
  }
  absl::Status Reserve(const iq::ReserveConnectionPointRequest& request,
                       iq::ReserveConnectionPointResponse* response = nullptr) {
    iq::ReserveConnectionPointResponse unused;
    return Call(&iq::MediaGatewayService::Stub::ReserveConnectionPoint, request,
                response == nullptr ? &unused : response);
  }
  absl::Status Release(const std::string& context_id, const std::string& transaction_id,
                       iq::ReleaseTerminationResponse* response) {
    return Call(&iq::MediaGatewayService::Stub::ReleaseTermination,
                Parse<iq::ReleaseTerminationRequest>(
                    absl::StrCat("termination { context_id: '", context_id, "' } transaction_id: '",
                                 transaction_id, "'")),
                response);
  }
  absl::Status Audit(const std::string& context_id) {
    iq::AuditContextRequest request;
    request.set_context_id(context_id);
    iq::AuditContextResponse response;
    return Call(&iq::MediaGatewayService::Stub::AuditContext, request, &response);
  }
  iq::GatewayStatus Status() {
    iq::GetStatusResponse response;
    EXPECT_THAT(Call(&iq::MediaGatewayService::Stub::GetStatus, iq::GetStatusRequest(), &response),
                IsOk());
    return response.status();
  }

  size_t ports_in_use() const { return realms_.realms()[0].addresses[0].ports->in_use(); }

  void AppendEvents(int count) {
    const uint64_t last = log_.last_sequence_number() + count;
    for (int i = 0; i < count; ++i) {
      log_.Append(Event{absl::Now(), "c1", 0, absl::nullopt, HangingTermination{}});
    }
    while (log_.last_sequence_number() < last) std::this_thread::yield();
  }

  static std::vector<IpRealm> MakeRealms() {
    std::vector<IpRealm> realms(1);
    realms[0].name = "both";
    realms[0].first_port = 20000;
    realms[0].last_port = 29999;
    realms[0].access_default = realms[0].core_default = true;
    const common::IpAddress ip = *common::IpAddress::Parse("127.0.0.51");
    realms[0].addresses.push_back(
        {ip, ip, std::make_unique<PortPool>(20000, 29999, absl::ZeroDuration())});
    return realms;
  }

  const RealmTable realms_{MakeRealms()};
  const std::vector<common::OwnAddressRange> own_addresses_ = realms_.OwnAddresses();
  const ContextLimits limits_ = {};
  Admission admission_{10};
  NotificationLog log_{kLogCapacity, [](const iq::Notification&) {}};
  const EventSink event_sink_ = [this](Event event) { log_.Append(std::move(event)); };
  const std::shared_ptr<const TlsIdentity> identity_ = *TlsIdentity::Generate({.now = absl::Now()});
  GatewayState state_{"agw-1", "run-1", 3, realms_, admission_, log_};
  std::unique_ptr<WorkerPool> workers_ = std::make_unique<WorkerPool>(
      3, WorkerOptions{realms_, own_addresses_, limits_, event_sink_, admission_,
                       TlsIdentities(identity_), [](const WorkerCounters&) {}});
  GatewayStreams streams_{state_, log_};
  MediaGatewayService service_{*workers_, state_, streams_, [this] { streams_.PushStatus(); }};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<iq::MediaGatewayService::Stub> stub_;
};

TEST_F(MediaGatewayServiceTest, DP_18_R_ALG_05_ARepeatedReservationGetsTheFirstReply) {
  iq::ReserveConnectionPointResponse first;
  ASSERT_THAT(Reserve(ReserveRequest("c1", "t1"), &first), IsOk());
  EXPECT_EQ(first.local_address().ip_address(), "127.0.0.51");
  ASSERT_EQ(first.local_fingerprints_size(), 1);
  EXPECT_EQ(first.local_fingerprints(0).digest(), identity_->fingerprint().digest());
  iq::ReserveConnectionPointResponse again;
  ASSERT_THAT(Reserve(ReserveRequest("c1", "t1"), &again), IsOk());
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(ports_in_use(), 1u);
  EXPECT_EQ(admission_.context_count(), 1u);
}

TEST_F(MediaGatewayServiceTest, R_SEC_12_TheReplyHasAFingerprintByEachHashFunctionAskedFor) {
  iq::ReserveConnectionPointRequest request = ReserveRequest("c1", "t1");
  request.mutable_local()->add_certificate_fingerprint_hash_functions("sha-512");
  request.mutable_local()->add_certificate_fingerprint_hash_functions("sha-1");
  iq::ReserveConnectionPointResponse response;
  ASSERT_THAT(Reserve(request, &response), IsOk());
  ASSERT_EQ(response.local_fingerprints_size(), 2);
  EXPECT_EQ(response.local_fingerprints(0).hash_function(), "sha-512");
  EXPECT_EQ(response.local_fingerprints(0).digest(),
            identity_->FingerprintBy(HashFunction::kSha512).digest());
  EXPECT_EQ(response.local_fingerprints(1).digest(),
            identity_->FingerprintBy(HashFunction::kSha1).digest());
}

TEST_F(MediaGatewayServiceTest, DP_18_ARepeatedReleaseGetsTheFirstReplyThoughTheContextIsGone) {
  ASSERT_THAT(Reserve(ReserveRequest("c1", "t1")), IsOk());
  iq::ReleaseTerminationResponse first;
  ASSERT_THAT(Release("c1", "r1", &first), IsOk());
  ASSERT_EQ(first.terminations_size(), 1);
  EXPECT_EQ(ports_in_use(), 0u);
  EXPECT_EQ(admission_.context_count(), 0u);
  iq::ReleaseTerminationResponse again;
  ASSERT_THAT(Release("c1", "r1", &again), IsOk());
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(ErrorReasonOf(Release("c1", "r2", &again)), "CONTEXT_UNKNOWN");
}

TEST_F(MediaGatewayServiceTest,
       AReleaseWithAnOldRevisionIsAbortedAndTheSameTransactionMayTryAgain) {
  iq::ReserveConnectionPointRequest reserve = ReserveRequest("c1", "t1");
  reserve.mutable_controller_state()->set_data("answered");
  ASSERT_THAT(Reserve(reserve), IsOk());
  auto release = Parse<iq::ReleaseTerminationRequest>(
      "termination { context_id: 'c1' } transaction_id: 'r1' expected_controller_state_revision: "
      "0");
  iq::ReleaseTerminationResponse response;
  const absl::Status stale =
      Call(&iq::MediaGatewayService::Stub::ReleaseTermination, release, &response);
  EXPECT_THAT(stale, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReasonOf(stale), "REVISION_CONFLICT");
  EXPECT_EQ(ErrorMetadata(stale, "field"), "expected_controller_state_revision");
  EXPECT_THAT(Audit("c1"), IsOk());
  EXPECT_EQ(ports_in_use(), 1u);

  release.set_expected_controller_state_revision(1);
  EXPECT_THAT(Call(&iq::MediaGatewayService::Stub::ReleaseTermination, release, &response), IsOk());
  EXPECT_EQ(response.terminations_size(), 1);
  EXPECT_EQ(ports_in_use(), 0u);
}

TEST_F(MediaGatewayServiceTest, AContextThatIsCreatedAnewHasNoRevisionOfTheOldOne) {
  iq::ReserveConnectionPointRequest reserve = ReserveRequest("c1", "t1");
  reserve.mutable_controller_state()->set_data("record");
  iq::ReserveConnectionPointResponse old, anew;
  ASSERT_THAT(Reserve(reserve, &old), IsOk());
  iq::ReleaseTerminationResponse released;
  ASSERT_THAT(Release("c1", "r1", &released), IsOk());

  reserve.set_transaction_id("t2");
  ASSERT_THAT(Reserve(reserve, &anew), IsOk());
  EXPECT_GT(anew.controller_state_revision(), old.controller_state_revision());
}

TEST_F(MediaGatewayServiceTest, DP_18_TheKindOfTheCallIsPartOfATransaction) {
  ASSERT_THAT(Reserve(ReserveRequest("c1", "t1")), IsOk());
  iq::ReleaseTerminationResponse response;
  EXPECT_EQ(ErrorReasonOf(Release("c1", "t1", &response)), "TRANSACTION_REUSED");
  EXPECT_THAT(Audit("c1"), IsOk());
}

TEST_F(MediaGatewayServiceTest, AFailedCallIsNotRememberedAndMayBeRepeated) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(Reserve(ReserveRequest(absl::StrCat("c", i), "t1")), IsOk());
  }
  EXPECT_EQ(ErrorReasonOf(Reserve(ReserveRequest("c10", "t1"))), "CONTEXT_LIMIT");
  iq::ReleaseTerminationResponse response;
  ASSERT_THAT(Release("c0", "r1", &response), IsOk());
  EXPECT_THAT(Reserve(ReserveRequest("c10", "t1")), IsOk());
}

// A call that fails, and what its client is told as google.rpc.ErrorInfo.
TEST_F(MediaGatewayServiceTest, EveryErrorCarriesItsReasonAndFieldAsDetails) {
  ASSERT_THAT(Reserve(ReserveRequest("c1", "t1")), IsOk());

  iq::ReserveConnectionPointRequest request = ReserveRequest("c2", "t1");
  request.clear_local();
  absl::Status status = Reserve(request);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(common::GetErrorInfo(status).domain, "iq.ims");
  EXPECT_EQ(ErrorReasonOf(status), "FIELD_MISSING");
  EXPECT_EQ(ErrorMetadata(status, "field"), "local.transport_protocol");

  request = ReserveRequest("c2", "");
  EXPECT_EQ(ErrorMetadata(Reserve(request), "field"), "transaction_id");

  request = ReserveRequest("c2", "t1");
  request.mutable_local()->set_ip_realm("nowhere");
  status = Reserve(request);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(ErrorReasonOf(status), "REALM_UNKNOWN");

  request.mutable_local()->set_ip_realm("");
  request.mutable_local()->set_transport_protocol(static_cast<iq::TransportProtocol>(99));
  status = Reserve(request);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_EQ(ErrorReasonOf(status), "TRANSPORT_UNSUPPORTED");

  status = Reserve(ReserveRequest("c1", "t2"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(ErrorReasonOf(status), "TERMINATION_EXISTS");

  iq::ReserveAndConfigureConnectionPointResponse configured;
  status = Call(&iq::MediaGatewayService::Stub::ReserveAndConfigureConnectionPoint,
                Parse<iq::ReserveAndConfigureConnectionPointRequest>(
                    "termination { context_id: 'c2' stream_id: 1 side: SIDE_CORE } "
                    "transaction_id: 't1' local { transport_protocol: TRANSPORT_PROTOCOL_TCP "
                    "setup_mode: SETUP_MODE_ACTPASS }"),
                &configured);
  EXPECT_EQ(ErrorReasonOf(status), "FIELD_MISSING");
  EXPECT_EQ(ErrorMetadata(status, "field"), "remote");

  iq::ConfigureConnectionPointResponse response;
  auto configure = Parse<iq::ConfigureConnectionPointRequest>(
      "termination { context_id: 'c2' stream_id: 1 side: SIDE_ACCESS } transaction_id: 't2'");
  status = Call(&iq::MediaGatewayService::Stub::ConfigureConnectionPoint, configure, &response);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(ErrorReasonOf(status), "CONTEXT_UNKNOWN");
  configure.mutable_termination()->set_context_id("c1");
  configure.mutable_termination()->set_side(iq::SIDE_CORE);
  status = Call(&iq::MediaGatewayService::Stub::ConfigureConnectionPoint, configure, &response);
  EXPECT_EQ(ErrorReasonOf(status), "TERMINATION_UNKNOWN");
  configure.mutable_termination()->set_side(iq::SIDE_ACCESS);
  configure.mutable_controller_state()->set_expected_revision(5);
  status = Call(&iq::MediaGatewayService::Stub::ConfigureConnectionPoint, configure, &response);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReasonOf(status), "REVISION_CONFLICT");

  EXPECT_EQ(ErrorReasonOf(Audit("c2")), "CONTEXT_UNKNOWN");
  EXPECT_EQ(ErrorReasonOf(Audit("c 2")), "FIELD_INVALID");
  // All or nothing: no attempt has left a context.
  EXPECT_EQ(admission_.context_count(), 1u);
  EXPECT_EQ(ports_in_use(), 1u);
}

TEST_F(MediaGatewayServiceTest, ReleaseTakesOneTerminationAStreamOrAll) {
  for (const char* text : {"1 side: SIDE_ACCESS", "1 side: SIDE_CORE", "2 side: SIDE_ACCESS",
                           "2 side: SIDE_CORE", "3 side: SIDE_CORE"}) {
    iq::ReserveConnectionPointRequest request = ReserveRequest("c1", absl::StrCat("t", text));
    *request.mutable_termination() =
        Parse<iq::TerminationId>(absl::StrCat("context_id: 'c1' stream_id: ", text));
    ASSERT_THAT(Reserve(request), IsOk());
  }
  const auto release = [this](const std::string& text) {
    iq::ReleaseTerminationResponse response;
    EXPECT_THAT(
        Call(&iq::MediaGatewayService::Stub::ReleaseTermination,
             Parse<iq::ReleaseTerminationRequest>(absl::StrCat(
                 "termination { context_id: 'c1' ", text, "} transaction_id: 'r", text, "'")),
             &response),
        IsOk());
    std::vector<std::string> released;
    for (const iq::TerminationStatistics& statistics : response.terminations()) {
      released.push_back(absl::StrCat(statistics.termination().stream_id(), " ",
                                      iq::Side_Name(statistics.termination().side())));
    }
    return released;
  };
  EXPECT_THAT(release("stream_id: 1 side: SIDE_CORE "), ElementsAre("1 SIDE_CORE"));
  EXPECT_THAT(release("stream_id: 2 "), ElementsAre("2 SIDE_ACCESS", "2 SIDE_CORE"));
  EXPECT_THAT(release(""), ElementsAre("1 SIDE_ACCESS", "3 SIDE_CORE"));
  EXPECT_EQ(admission_.context_count(), 0u);
}

TEST_F(MediaGatewayServiceTest, ListsContextsOfAllWorkersPageByPageInOrder) {
  for (const char* id : {"e", "a", "d", "b", "c"}) {
    ASSERT_THAT(Reserve(ReserveRequest(id, "t1")), IsOk());
  }
  std::vector<std::vector<std::string>> pages;
  iq::ListContextsRequest request;
  request.set_page_size(2);
  do {
    iq::ListContextsResponse response;
    ASSERT_THAT(Call(&iq::MediaGatewayService::Stub::ListContexts, request, &response), IsOk());
    pages.emplace_back(response.context_ids().begin(), response.context_ids().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(pages, ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d"), ElementsAre("e")));

  iq::ListContextsResponse response;
  request.set_page_size(5);  // A last page that is full has no successor.
  ASSERT_THAT(Call(&iq::MediaGatewayService::Stub::ListContexts, request, &response), IsOk());
  EXPECT_EQ(response.context_ids_size(), 5);
  EXPECT_THAT(response.next_page_token(), IsEmpty());
  request.set_page_size(1001);
  EXPECT_EQ(ErrorMetadata(Call(&iq::MediaGatewayService::Stub::ListContexts, request, &response),
                          "field"),
            "page_size");
  request.set_page_size(0);
  request.set_page_token("none of ours");
  EXPECT_EQ(ErrorMetadata(Call(&iq::MediaGatewayService::Stub::ListContexts, request, &response),
                          "field"),
            "page_token");
}

TEST_F(MediaGatewayServiceTest, StatusTellsWhoThisIsAndHowMuchRoomThereIs) {
  ASSERT_THAT(Reserve(ReserveRequest("c1", "t1")), IsOk());
  AppendEvents(2);
  const iq::GatewayStatus status = Status();
  EXPECT_EQ(status.instance_id(), "agw-1");
  EXPECT_EQ(status.incarnation(), "run-1");
  EXPECT_FALSE(status.draining());
  EXPECT_EQ(status.context_count(), 1u);
  EXPECT_EQ(status.context_limit(), 10u);
  EXPECT_EQ(status.worker_count(), 3u);
  EXPECT_EQ(status.last_sequence_number(), 2u);
  ASSERT_EQ(status.realms_size(), 1);
  EXPECT_EQ(status.realms(0).name(), "both");
  EXPECT_EQ(status.realms(0).default_for_size(), 2);
  EXPECT_EQ(status.realms(0).advertised_addresses(0), "127.0.0.51");
  EXPECT_EQ(status.realms(0).ports_in_use(), 1u);
  EXPECT_EQ(status.realms(0).ports_total(), 10'000u);
  ASSERT_EQ(status.certificate_fingerprints_size(), 1);
  EXPECT_EQ(status.certificate_fingerprints(0).digest(), identity_->fingerprint().digest());
}

// A stream of notifications, read one by one.
class Watch {
 public:
  Watch(iq::MediaGatewayService::Stub& stub, uint64_t after, const std::string& incarnation) {
    iq::WatchNotificationsRequest request;
    request.set_after_sequence_number(after);
    request.set_incarnation(incarnation);
    reader_ = stub.WatchNotifications(call_.get(), request);
  }
  ~Watch() { Cancel(); }

  // The number of the next one; 0 if the stream has ended.
  uint64_t Next() {
    iq::WatchNotificationsResponse response;
    if (!reader_->Read(&response)) return 0;
    EXPECT_EQ(response.incarnation(), "run-1");
    return response.notification().sequence_number();
  }
  absl::Status Finish() {
    finished_ = true;
    return common::FromGrpcStatus(reader_->Finish());
  }
  void Cancel() {
    if (finished_) return;
    call_->TryCancel();
    (void)Finish();
  }

 private:
  std::unique_ptr<grpc::ClientContext> call_ = NewCall();
  std::unique_ptr<grpc::ClientReader<iq::WatchNotificationsResponse>> reader_;
  bool finished_ = false;
};

TEST_F(MediaGatewayServiceTest, NotificationsComeFromTheOldestKeptAndGoOn) {
  AppendEvents(2);
  Watch watch(*stub_, 0, "");
  EXPECT_EQ(watch.Next(), 1u);
  EXPECT_EQ(watch.Next(), 2u);
  AppendEvents(1);
  EXPECT_EQ(watch.Next(), 3u);
}

TEST_F(MediaGatewayServiceTest, NotificationsAreResumedBehindANumber) {
  AppendEvents(3);
  {
    Watch watch(*stub_, 0, "");
    EXPECT_EQ(watch.Next(), 1u);
  }
  Watch resumed(*stub_, 1, "run-1");
  EXPECT_EQ(resumed.Next(), 2u);
  EXPECT_EQ(resumed.Next(), 3u);
  // Two may watch, each at its own place.
  Watch other(*stub_, 2, "run-1");
  EXPECT_EQ(other.Next(), 3u);
}

TEST_F(MediaGatewayServiceTest, WhatIsNotKeptAnyMoreShowsAsAGap) {
  AppendEvents(10);
  Watch watch(*stub_, 2, "run-1");
  EXPECT_EQ(watch.Next(), 7u);
  EXPECT_EQ(watch.Next(), 8u);
}

TEST_F(MediaGatewayServiceTest, NumbersOfAnotherRunAreRefused) {
  AppendEvents(1);
  for (const char* incarnation : {"run-0", ""}) {
    Watch watch(*stub_, 1, incarnation);
    EXPECT_EQ(watch.Next(), 0u);
    const absl::Status status = watch.Finish();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_EQ(ErrorReasonOf(status), "INCARNATION_MISMATCH");
  }
  Watch present(*stub_, 0, "run-1");
  EXPECT_EQ(present.Next(), 1u);
}

TEST_F(MediaGatewayServiceTest, StreamsEndWithUnavailableWhenTheGatewayStops) {
  AppendEvents(1);
  Watch watch(*stub_, 0, "");
  EXPECT_EQ(watch.Next(), 1u);
  streams_.CloseAll();
  EXPECT_EQ(watch.Next(), 0u);
  EXPECT_THAT(watch.Finish(), StatusIs(absl::StatusCode::kUnavailable));
  Watch late(*stub_, 0, "");
  EXPECT_EQ(late.Next(), 0u);
  EXPECT_THAT(late.Finish(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(MediaGatewayServiceTest, StatusIsPushedAtOnceAtTheIntervalAndWhenDrainingBegins) {
  iq::WatchStatusRequest request;
  request.mutable_interval()->set_seconds(1);
  const std::unique_ptr<grpc::ClientContext> quick_call = NewCall();
  const auto quick = stub_->WatchStatus(quick_call.get(), request);
  request.mutable_interval()->set_seconds(3600);
  const std::unique_ptr<grpc::ClientContext> slow_call = NewCall();
  const auto slow = stub_->WatchStatus(slow_call.get(), request);

  iq::WatchStatusResponse response;
  ASSERT_TRUE(slow->Read(&response));
  EXPECT_EQ(response.status().incarnation(), "run-1");
  EXPECT_FALSE(response.status().draining());
  ASSERT_TRUE(quick->Read(&response));
  ASSERT_TRUE(quick->Read(&response));

  iq::DrainResponse drained;
  ASSERT_THAT(Call(&iq::MediaGatewayService::Stub::Drain, iq::DrainRequest(), &drained), IsOk());
  ASSERT_TRUE(slow->Read(&response));
  EXPECT_TRUE(response.status().draining());
  quick_call->TryCancel();
  slow_call->TryCancel();
  EXPECT_FALSE(slow->Finish().ok());
  EXPECT_FALSE(quick->Finish().ok());
}

TEST_F(MediaGatewayServiceTest, AnIntervalOutOfRangeIsRefused) {
  for (const char* text : {"interval {}", "interval { nanos: 999999999 }",
                           "interval { seconds: 3601 }", "interval { seconds: -1 }"}) {
    const std::unique_ptr<grpc::ClientContext> call = NewCall();
    const auto reader = stub_->WatchStatus(call.get(), Parse<iq::WatchStatusRequest>(text));
    iq::WatchStatusResponse response;
    EXPECT_FALSE(reader->Read(&response));
    const absl::Status status = common::FromGrpcStatus(reader->Finish());
    EXPECT_EQ(ErrorReasonOf(status), "FIELD_INVALID") << text;
    EXPECT_EQ(ErrorMetadata(status, "field"), "interval") << text;
  }
}

TEST_F(MediaGatewayServiceTest, DrainingRefusesNewContextsServesOldOnesAndIsToldOnce) {
  ASSERT_THAT(Reserve(ReserveRequest("c1", "t1")), IsOk());
  iq::DrainResponse response;
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(Call(&iq::MediaGatewayService::Stub::Drain, iq::DrainRequest(), &response), IsOk());
  }
  EXPECT_TRUE(Status().draining());
  const absl::Status refused = Reserve(ReserveRequest("c2", "t1"));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ErrorReasonOf(refused), "DRAINING");
  iq::ReserveConnectionPointRequest second_stream = ReserveRequest("c1", "t2");
  second_stream.mutable_termination()->set_stream_id(2);
  EXPECT_THAT(Reserve(second_stream), IsOk());
  AppendEvents(2);  // At least one of them behind what the drain has told.
  EXPECT_TRUE(log_.After(0)->has_draining());
  EXPECT_FALSE(log_.After(1)->has_draining());
}

TEST_F(MediaGatewayServiceTest, UndrainTakesNewContextsAgainAndIsToldOnce) {
  iq::DrainResponse drained;
  ASSERT_THAT(Call(&iq::MediaGatewayService::Stub::Drain, iq::DrainRequest(), &drained), IsOk());
  EXPECT_TRUE(Status().has_drain_duration());
  iq::UndrainResponse undrained;
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(Call(&iq::MediaGatewayService::Stub::Undrain, iq::UndrainRequest(), &undrained),
                IsOk());
  }
  EXPECT_FALSE(Status().draining());
  EXPECT_FALSE(Status().has_drain_duration());
  EXPECT_THAT(Reserve(ReserveRequest("c1", "t1")), IsOk());
  AppendEvents(1);
  EXPECT_TRUE(log_.After(0)->has_draining());
  EXPECT_TRUE(log_.After(1)->has_drain_ended());
  EXPECT_FALSE(log_.After(2)->has_drain_ended());
}

TEST_F(MediaGatewayServiceTest, AProcessThatIsToEndIsNotUndrained) {
  state_.Stop();
  iq::UndrainResponse response;
  const absl::Status refused =
      Call(&iq::MediaGatewayService::Stub::Undrain, iq::UndrainRequest(), &response);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ErrorReasonOf(refused), "STOPPING");
  EXPECT_TRUE(Status().draining());
}

TEST_F(MediaGatewayServiceTest, ACallThatItsClientHasGivenUpIsNotDone) {
  ASSERT_THAT(Audit("c1"), StatusIs(absl::StatusCode::kNotFound));  // Connects.
  std::promise<void> worker_may_go_on;
  workers_->WorkerOf("c1").Post(
      [&worker_may_go_on](ContextTable&) { worker_may_go_on.get_future().wait(); });
  const iq::ReserveConnectionPointRequest request = ReserveRequest("c1", "t1");
  iq::ReserveConnectionPointResponse response;
  const std::unique_ptr<grpc::ClientContext> call = NewCall();
  std::promise<grpc::Status> ended;
  stub_->async()->ReserveConnectionPoint(
      call.get(), &request, &response,
      [&ended](const grpc::Status& status) { ended.set_value(status); });
  // Calls of one connection arrive in order, and so does the end of one.
  for (int i = 0; i < 20; ++i) Status();
  call->TryCancel();
  EXPECT_EQ(ended.get_future().get().error_code(), grpc::StatusCode::CANCELLED);
  for (int i = 0; i < 20; ++i) Status();
  worker_may_go_on.set_value();
  EXPECT_EQ(ErrorReasonOf(Audit("c1")), "CONTEXT_UNKNOWN");
  EXPECT_EQ(ports_in_use(), 0u);
}

}  // namespace
}  // namespace agw
