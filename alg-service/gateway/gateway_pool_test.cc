// The pool, its links and the calls, against IMS-AGWs that are gRPC servers of the test.

#include "alg-service/gateway/gateway_pool.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alg-service/gateway/grpc_media_gateway.h"
#include "common/error.h"
#include "common/grpc_status.h"
#include "common/log.h"
#include "common/mutex.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Waits until `condition`, which is asked again and again.
bool Eventually(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

// An IMS-AGW that says what the test wants it to.
class ScriptedGateway : public iq::MediaGatewayService::Service {
 public:
  explicit ScriptedGateway(const std::string& instance_id) {
    status_.set_instance_id(instance_id);
    status_.set_incarnation("run-1");
    status_.set_context_limit(100);
    Start();
  }
  ~ScriptedGateway() override { Stop(); }

  void Start() {
    {
      common::MutexLock lock(mutex_);
      stopping_ = false;
    }
    int port = 0;
    server_ = grpc::ServerBuilder()
                  .AddListeningPort(absl::StrCat("127.0.0.1:", port_),
                                    grpc::InsecureServerCredentials(), &port)
                  .RegisterService(this)
                  .BuildAndStart();
    port_ = port;
  }

  void Stop() {
    {
      common::MutexLock lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  void ChangeStatus(const std::function<void(iq::GatewayStatus&)>& change) {
    common::MutexLock lock(mutex_);
    change(status_);
    ++status_version_;
    changed_.notify_all();
  }

  void Notify(iq::Notification notification) {
    common::MutexLock lock(mutex_);
    notification.set_sequence_number(notifications_.size() + 1);
    notifications_.push_back(std::move(notification));
    changed_.notify_all();
  }

  std::vector<iq::WatchNotificationsRequest> watches() {
    common::MutexLock lock(mutex_);
    return watches_;
  }

  std::shared_ptr<grpc::Channel> NewChannel() const {
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_),
                                     grpc::InsecureChannelCredentials(),
                                     MediaGatewayChannelArguments());
  }

 private:
  grpc::Status WatchStatus(grpc::ServerContext* call, const iq::WatchStatusRequest*,
                           grpc::ServerWriter<iq::WatchStatusResponse>* writer) override {
    common::MutexLock lock(mutex_);
    int sent_version = -1;
    while (!stopping_ && !call->IsCancelled()) {
      if (sent_version != status_version_) {
        iq::WatchStatusResponse response;
        *response.mutable_status() = status_;
        sent_version = status_version_;
        writer->Write(response);
      }
      changed_.wait_for(mutex_, std::chrono::milliseconds(5));
    }
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "stopping");
  }

  grpc::Status WatchNotifications(
      grpc::ServerContext* call, const iq::WatchNotificationsRequest* request,
      grpc::ServerWriter<iq::WatchNotificationsResponse>* writer) override {
    common::MutexLock lock(mutex_);
    watches_.push_back(*request);
    size_t sent = request->after_sequence_number();
    while (!stopping_ && !call->IsCancelled()) {
      while (sent < notifications_.size()) {
        iq::WatchNotificationsResponse response;
        *response.mutable_notification() = notifications_[sent++];
        response.set_incarnation(status_.incarnation());
        writer->Write(response);
      }
      changed_.wait_for(mutex_, std::chrono::milliseconds(5));
    }
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "stopping");
  }

  grpc::Status AuditContext(grpc::ServerContext* call, const iq::AuditContextRequest* request,
                            iq::AuditContextResponse* response) override {
    if (request->context_id() == "hangs") {
      common::MutexLock lock(mutex_);
      while (!stopping_ && !call->IsCancelled()) {
        changed_.wait_for(mutex_, std::chrono::milliseconds(5));
      }
      return grpc::Status::CANCELLED;
    }
    if (request->context_id() == "unknown") {
      return common::ToGrpcStatus(common::MakeError(absl::StatusCode::kNotFound, "no such context",
                                                    {"CONTEXT_UNKNOWN", "iq.ims", {}}));
    }
    response->set_context_id(request->context_id());
    return grpc::Status::OK;
  }

  common::Mutex mutex_;
  std::condition_variable_any changed_;
  iq::GatewayStatus status_;
  int status_version_ = 0;
  std::vector<iq::Notification> notifications_;
  std::vector<iq::WatchNotificationsRequest> watches_;
  bool stopping_ = false;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

class GatewayPoolTest : public testing::Test {
 protected:
  // 127.0.0.1 is the first gateway, 127.0.0.2 the second.
  std::unique_ptr<GatewayPool> MakePool() {
    GatewayPool::Options options;
    options.targets = {{"agw.example.net", 7060}};
    options.resolve_interval = absl::Milliseconds(20);
    return std::make_unique<GatewayPool>(
        options,
        [this](const std::string&) -> absl::StatusOr<std::vector<common::IpAddress>> {
          common::MutexLock lock(mutex_);
          return resolved_;
        },
        [this](const HostPort&, const common::TransportAddress& address)
            -> absl::StatusOr<std::shared_ptr<grpc::Channel>> {
          return (address.ToString() == "127.0.0.1:7060" ? first_ : second_).NewChannel();
        },
        metrics_);
  }

  void Resolve(absl::StatusOr<std::vector<std::string>> addresses) {
    common::MutexLock lock(mutex_);
    if (!addresses.ok()) {
      resolved_ = addresses.status();
      return;
    }
    std::vector<common::IpAddress> parsed;
    for (const std::string& address : *addresses) {
      parsed.push_back(*common::IpAddress::Parse(address));
    }
    resolved_ = parsed;
  }

  std::string Metrics() const {
    return prometheus::TextSerializer().Serialize(metrics_->registry()->Collect());
  }

  ScriptedGateway first_{"agw-0"};
  ScriptedGateway second_{"agw-1"};
  const std::shared_ptr<class Metrics> metrics_ = std::make_shared<class Metrics>();
  common::Mutex mutex_;
  absl::StatusOr<std::vector<common::IpAddress>> resolved_ =
      std::vector<common::IpAddress>{*common::IpAddress::Parse("127.0.0.1")};
};

TEST_F(GatewayPoolTest, EveryAddressBehindANameIsAGateway) {
  Resolve(std::vector<std::string>{"127.0.0.1", "127.0.0.2"});
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().size() == 2; }));
  EXPECT_TRUE(pool->WaitUntilReady(absl::Now()));
  EXPECT_THAT(pool->Ready(), common::IsOk());
  EXPECT_THAT(pool->Find("agw-0", "run-1"), common::IsOk());
  EXPECT_THAT(pool->Find("agw-1", "run-1"), common::IsOk());
  EXPECT_THAT(pool->Find("agw-2", "run-1"), common::StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(GatewayPoolTest, AGatewayWhoseAddressGoesIsGone) {
  Resolve(std::vector<std::string>{"127.0.0.1", "127.0.0.2"});
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().size() == 2; }));
  Resolve(std::vector<std::string>{"127.0.0.1"});
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().size() == 1; }));
  EXPECT_THAT(pool->Find("agw-1", "run-1"), common::StatusIs(absl::StatusCode::kNotFound));

  Resolve(absl::UnavailableError("no answer from DNS"));
  Resolve(std::vector<std::string>{"127.0.0.1", "127.0.0.2"});
  EXPECT_TRUE(Eventually([&] { return pool->Reachable().size() == 2; }));
}

TEST_F(GatewayPoolTest, LoadAndDrainingAreFollowed) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(absl::Now() + kPatience));
  first_.ChangeStatus([](iq::GatewayStatus& status) {
    status.set_context_count(50);
    status.set_draining(true);
    iq::Realm* realm = status.add_realms();
    realm->add_advertised_addresses("192.0.2.10");
    realm->set_first_port(40000);
    realm->set_last_port(40009);
    realm->set_ports_total(10);
    realm->set_ports_in_use(7);
  });
  ASSERT_TRUE(Eventually([&] { return pool->Reachable()[0].info->draining; }));
  const Gateway gateway = pool->Reachable()[0];
  EXPECT_DOUBLE_EQ(gateway.info->load, 0.7);
  ASSERT_EQ(gateway.info->own_addresses.size(), 1u);
  EXPECT_EQ(gateway.info->own_addresses[0].first_port, 40000);
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(Metrics(), "alg_gateways{state=\"draining\"} 1"); }));
}

TEST_F(GatewayPoolTest, DP_15_ARestartedGatewayIsAnotherOne) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(absl::Now() + kPatience));
  first_.Stop();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().empty(); }));
  EXPECT_THAT(pool->Ready(), common::StatusIs(absl::StatusCode::kUnavailable));
  // It may come back as it was.
  EXPECT_THAT(pool->Find("agw-0", "run-1"), common::IsOk());

  first_.ChangeStatus([](iq::GatewayStatus& status) { status.set_incarnation("run-2"); });
  first_.Start();
  ASSERT_TRUE(Eventually([&] { return !pool->Reachable().empty(); }));
  EXPECT_THAT(pool->Find("agw-0", "run-1"), common::StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(pool->Find("agw-0", "run-2"), common::IsOk());
}

TEST_F(GatewayPoolTest, BeforeTheFirstStatusNobodyIsLost) {
  Resolve(std::vector<std::string>{"127.0.0.1", "127.0.0.2"});
  second_.Stop();
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(absl::Now() + kPatience));
  EXPECT_THAT(pool->Find("agw-1", "run-1"), common::StatusIs(absl::StatusCode::kUnavailable));
  second_.Start();
}

TEST_F(GatewayPoolTest, NotificationsAreLoggedAndCountedAndGoOnAfterABreak) {
  common::Mutex mutex;
  std::string log;
  common::ScopedLogCapture capture([&](absl::string_view line) {
    common::MutexLock lock(mutex);
    absl::StrAppend(&log, line, "\n");
  });
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return !first_.watches().empty(); }));

  iq::Notification mismatch;
  mismatch.mutable_termination()->set_context_id("c1");
  mismatch.mutable_termination()->set_stream_id(1);
  mismatch.mutable_termination()->set_side(iq::SIDE_ACCESS);
  mismatch.mutable_fingerprint_mismatch();
  first_.Notify(mismatch);
  iq::Notification failed;
  failed.mutable_tls_failed()->set_cause(iq::Notification::TlsFailed::CAUSE_FINGERPRINT_MISMATCH);
  first_.Notify(failed);
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(
        Metrics(),
        "iqgate_alg_iq_notifications_total{cause=\"fingerprint_mismatch\",kind=\"tls_failed\"} 1");
  }));
  EXPECT_TRUE(Eventually([&] {
    common::MutexLock lock(mutex);
    return absl::StrContains(log, "\"kind\":\"fingerprint_mismatch\"") &&
           absl::StrContains(log, "\"session_id\":\"agw-0~run-1~c1\"");
  }));

  first_.Stop();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().empty(); }));
  first_.Start();
  ASSERT_TRUE(Eventually([&] { return first_.watches().size() >= 2; }));
  const iq::WatchNotificationsRequest resumed = first_.watches().back();
  EXPECT_EQ(resumed.after_sequence_number(), 2u);
  EXPECT_EQ(resumed.incarnation(), "run-1");
  pool.reset();
}

TEST_F(GatewayPoolTest, CallsCarryTypedErrorsDeadlinesAndCancellation) {
  GrpcMediaGateway gateway(first_.NewChannel(), metrics_);
  auto audit = [&gateway](const std::string& context_id, const CallScope& scope,
                          const std::function<void()>& meanwhile = nullptr) {
    common::Mutex mutex;
    std::condition_variable_any done;
    absl::optional<absl::Status> status;
    iq::AuditContextRequest request;
    request.set_context_id(context_id);
    gateway.AuditContext(request, scope, [&](const auto& response) {
      common::MutexLock lock(mutex);
      status = response.status();
      done.notify_all();
    });
    if (meanwhile) meanwhile();
    common::MutexLock lock(mutex);
    while (!status.has_value()) done.wait(mutex);
    return *status;
  };
  const absl::Time soon = absl::Now() + kPatience;
  EXPECT_TRUE(audit("c1", {soon, nullptr}).ok());

  const absl::Status unknown = audit("unknown", {soon, nullptr});
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(common::ErrorReasonOf(unknown), "CONTEXT_UNKNOWN");

  EXPECT_EQ(audit("hangs", {absl::Now() + absl::Milliseconds(50), nullptr}).code(),
            absl::StatusCode::kDeadlineExceeded);

  auto cancellation = std::make_shared<Cancellation>();
  EXPECT_EQ(audit("hangs", {soon, cancellation}, [&] { cancellation->Cancel(); }).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(audit("hangs", {soon, cancellation}).code(), absl::StatusCode::kCancelled);

  EXPECT_THAT(
      Metrics(),
      testing::HasSubstr("alg_iq_requests_total{code=\"NOT_FOUND\",method=\"AuditContext\"} 1"));
}

TEST(NameResolver, ReadsHostAndPort) {
  EXPECT_EQ(ParseHostPort("agw.example.net:7060")->host, "agw.example.net");
  EXPECT_EQ(ParseHostPort("[2001:db8::1]:7060")->host, "2001:db8::1");
  for (const char* text :
       {"", "host", ":1", "host:", "host:0", "host:65536", "host:x", "::1:7060"}) {
    EXPECT_FALSE(ParseHostPort(text).ok()) << text;
  }
}

TEST(NameResolver, ResolvesLiterals) {
  ASSERT_OK_AND_ASSIGN(std::vector<common::IpAddress> addresses, ResolveWithSystem("127.0.0.1"));
  ASSERT_EQ(addresses.size(), 1u);
  EXPECT_EQ(addresses[0].ToString(), "127.0.0.1");
}

}  // namespace
}  // namespace alg
