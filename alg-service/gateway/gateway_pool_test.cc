// The pool, its links and the calls, against IMS-AGWs that are gRPC servers of the test.

#include "alg-service/gateway/gateway_pool.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alg-service/gateway/grpc_media_gateway.h"
#include "common/error.h"
#include "common/grpc_status.h"
#include "common/monotonic_time.h"
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
using common::MonotonicTime;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Waits until `condition`, which is asked again and again.
bool Eventually(const std::function<bool()>& condition) {
  const MonotonicTime deadline = MonotonicTime::Now() + kPatience;
  while (!condition()) {
    if (MonotonicTime::Now() > deadline) return false;
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
    // Any address, so that 127.0.0.2 leads here too. The same port as before, which may be that of
    // a connection for a moment.
    do {
      server_ = grpc::ServerBuilder()
                    .AddListeningPort(absl::StrCat("0.0.0.0:", port_),
                                      grpc::InsecureServerCredentials(), &port)
                    .RegisterService(this)
                    .BuildAndStart();
    } while (server_ == nullptr);
    port_ = port;
  }

  // As a process that is killed: connections break, and nobody listens.
  void Stop() {
    {
      common::MutexLock lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  // As a process that is stopped by SIGSTOP: connections stay, and nothing is said.
  void Hang() { SetHung(true); }
  void GoOn() { SetHung(false); }

  int port() const { return port_; }

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

  // As if so many had come and gone before anybody could read them.
  void ForgetNextNotifications(int count) {
    common::MutexLock lock(mutex_);
    notifications_.resize(notifications_.size() + count);
  }

  std::vector<iq::WatchNotificationsRequest> watches() {
    common::MutexLock lock(mutex_);
    return watches_;
  }

  int status_watch_count() {
    common::MutexLock lock(mutex_);
    return status_watch_count_;
  }

  std::shared_ptr<grpc::Channel> NewChannel(const std::string& ip = "127.0.0.1") const {
    return grpc::CreateCustomChannel(absl::StrCat(ip, ":", port_),
                                     grpc::InsecureChannelCredentials(),
                                     MediaGatewayChannelArguments());
  }

 private:
  void SetHung(bool hung) {
    common::MutexLock lock(mutex_);
    hung_ = hung;
    changed_.notify_all();
  }

  grpc::Status WatchStatus(grpc::ServerContext* call, const iq::WatchStatusRequest* request,
                           grpc::ServerWriter<iq::WatchStatusResponse>* writer) override {
    const absl::Duration interval = absl::Seconds(request->interval().seconds()) +
                                    absl::Nanoseconds(request->interval().nanos());
    common::MutexLock lock(mutex_);
    ++status_watch_count_;
    int sent_version = -1;
    MonotonicTime due;
    while (!stopping_ && !call->IsCancelled()) {
      const MonotonicTime now = MonotonicTime::Now();
      if (!hung_ && (sent_version != status_version_ || due <= now)) {
        iq::WatchStatusResponse response;
        *response.mutable_status() = status_;
        sent_version = status_version_;
        due = now + interval;
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
        if (response.notification().sequence_number() > 0) writer->Write(response);
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
  bool hung_ = false;
  int status_watch_count_ = 0;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// Keeps what it is told.
class FakeNotificationSink : public NotificationSink {
 public:
  void OnNotification(const GatewayId& gateway, const iq::Notification& notification) override {
    Add(absl::StrCat(gateway.instance_id, " ", gateway.incarnation, " ",
                     notification.sequence_number()));
  }
  void OnNotificationsMissed(const GatewayId& gateway, uint64_t count) override {
    Add(absl::StrCat(gateway.instance_id, " missed ", count));
  }
  void OnGatewayLost(const LostGateway& lost) override {
    Add(absl::StrCat(lost.id.instance_id, " ", lost.id.incarnation, " lost: ", NameOf(lost.loss)));
  }

  // "agw-0 run-1 17": a notification and its number; "agw-0 run-1 lost: refused".
  std::vector<std::string> told() const {
    common::MutexLock lock(mutex_);
    return told_;
  }

 private:
  void Add(std::string line) {
    common::MutexLock lock(mutex_);
    told_.push_back(std::move(line));
  }

  mutable common::Mutex mutex_;
  std::vector<std::string> told_;
};

class GatewayPoolTest : public testing::Test {
 protected:
  // "first.example.net" and "second.example.net" are the targets. Unless told otherwise the first
  // one is at 127.0.0.1, and the second one is not known.
  GatewayPoolTest() { Resolve("first", std::vector<std::string>{"127.0.0.1"}); }

  // Nobody is silent by accident, however slow the machine.
  GatewayPool::Options Options() const {
    GatewayPool::Options options;
    options.targets = {{"first", static_cast<uint16_t>(first_.port())},
                       {"second", static_cast<uint16_t>(second_.port())}};
    options.resolve_interval = absl::Milliseconds(20);
    options.status_interval = absl::Seconds(30);
    options.lost_after = absl::Hours(1);
    return options;
  }

  std::unique_ptr<GatewayPool> MakePool() { return MakePool(Options()); }

  std::unique_ptr<GatewayPool> MakePool(GatewayPool::Options options) {
    return std::make_unique<GatewayPool>(
        std::move(options),
        [this](const std::string& host) -> absl::StatusOr<std::vector<common::IpAddress>> {
          common::MutexLock lock(mutex_);
          ++resolution_count_;
          return resolved_[host];
        },
        [](const common::HostPort&, const common::TransportAddress& address)
            -> absl::StatusOr<std::shared_ptr<grpc::Channel>> {
          return grpc::CreateCustomChannel(absl::StrCat("ipv4:", address.ToString()),
                                           grpc::InsecureChannelCredentials(),
                                           MediaGatewayChannelArguments());
        },
        sink_, metrics_);
  }

  void Resolve(const std::string& host, absl::StatusOr<std::vector<std::string>> addresses) {
    common::MutexLock lock(mutex_);
    if (!addresses.ok()) {
      resolved_[host] = addresses.status();
      return;
    }
    std::vector<common::IpAddress> parsed;
    for (const std::string& address : *addresses) {
      parsed.push_back(*common::IpAddress::Parse(address));
    }
    resolved_[host] = parsed;
  }

  // Waits until names have been looked up since, and the answer was used.
  void AwaitResolution() {
    auto count = [this] {
      common::MutexLock lock(mutex_);
      return resolution_count_;
    };
    const int before = count();
    // Each round asks for two names, and hands over the answers before the next one.
    ASSERT_TRUE(Eventually([&] { return count() >= before + 6; }));
  }

  std::string Metrics() const {
    return prometheus::TextSerializer().Serialize(metrics_->registry()->Collect());
  }

  static absl::StatusCode Find(const GatewayPool& pool, const std::string& instance_id,
                               const std::string& incarnation = "run-1") {
    return pool.Find(instance_id, incarnation).status().code();
  }

  ScriptedGateway first_{"agw-0"};
  ScriptedGateway second_{"agw-1"};
  const std::shared_ptr<class Metrics> metrics_ = std::make_shared<class Metrics>();
  const std::shared_ptr<FakeNotificationSink> sink_ = std::make_shared<FakeNotificationSink>();
  common::Mutex mutex_;
  std::map<std::string, absl::StatusOr<std::vector<common::IpAddress>>> resolved_;
  int resolution_count_ = 0;
};

TEST_F(GatewayPoolTest, EveryTargetIsAGateway) {
  Resolve("second", std::vector<std::string>{"127.0.0.1"});
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().size() == 2; }));
  EXPECT_TRUE(pool->WaitUntilReady(MonotonicTime::Now()));
  EXPECT_THAT(pool->Ready(), common::IsOk());
  EXPECT_EQ(Find(*pool, "agw-0"), absl::StatusCode::kOk);
  EXPECT_EQ(Find(*pool, "agw-1"), absl::StatusCode::kOk);
}

TEST_F(GatewayPoolTest, TwoAddressesOfOneGatewayAreOneGateway) {
  Resolve("first", std::vector<std::string>{"127.0.0.1", "127.0.0.2"});
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return first_.status_watch_count() == 2; }));
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
  AwaitResolution();  // Time for a second one to be taken for another.
  EXPECT_EQ(pool->Reachable().size(), 1u);
  // Its notifications come once.
  ASSERT_TRUE(Eventually([&] { return !first_.watches().empty(); }));
  first_.Notify({});
  first_.Notify({});
  ASSERT_TRUE(Eventually([&] { return sink_->told().size() >= 2; }));
  EXPECT_THAT(sink_->told(), testing::ElementsAre("agw-0 run-1 1", "agw-0 run-1 2"));
  EXPECT_EQ(first_.watches().size(), 1u);
}

// One that drains leaves DNS, because it is not ready any more, and its sessions live.
TEST_F(GatewayPoolTest, AGatewayThatLeavesDnsStaysAsLongAsItSpeaks) {
  Resolve("second", std::vector<std::string>{"127.0.0.1"});
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().size() == 2; }));
  second_.ChangeStatus([](iq::GatewayStatus& status) { status.set_draining(true); });
  Resolve("second", std::vector<std::string>{});
  AwaitResolution();
  EXPECT_EQ(Find(*pool, "agw-1"), absl::StatusCode::kOk);
  EXPECT_EQ(pool->Reachable().size(), 2u);

  second_.Stop();
  EXPECT_TRUE(Eventually([&] { return Find(*pool, "agw-1") == absl::StatusCode::kNotFound; }));
  AwaitResolution();
  EXPECT_EQ(Find(*pool, "agw-1"), absl::StatusCode::kNotFound);
  second_.Start();
}

TEST_F(GatewayPoolTest, AFailedLookUpChangesNothing) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
  Resolve("first", absl::UnavailableError("no answer from DNS"));
  AwaitResolution();
  EXPECT_EQ(pool->Reachable().size(), 1u);
  EXPECT_EQ(Find(*pool, "agw-0"), absl::StatusCode::kOk);
}

TEST_F(GatewayPoolTest, AResolverThatHangsDelaysNothing) {
  common::Mutex mutex;
  std::condition_variable_any changed;
  bool asked_again = false, is_over = false;
  int count = 0;
  GatewayPool pool(
      {{{"127.0.0.1", static_cast<uint16_t>(first_.port())}}, absl::Milliseconds(1)},
      [&](const std::string&) -> absl::StatusOr<std::vector<common::IpAddress>> {
        common::MutexLock lock(mutex);
        if (++count > 1) {
          asked_again = true;
          changed.notify_all();
          while (!is_over) changed.wait(mutex);
        }
        return std::vector<common::IpAddress>{*common::IpAddress::Parse("127.0.0.1")};
      },
      [this](const common::HostPort&, const common::TransportAddress&)
          -> absl::StatusOr<std::shared_ptr<grpc::Channel>> { return first_.NewChannel(); },
      sink_, metrics_);
  {
    common::MutexLock lock(mutex);
    while (!asked_again) changed.wait(mutex);
  }
  EXPECT_TRUE(pool.WaitUntilReady(MonotonicTime::Now() + kPatience));
  first_.Stop();
  EXPECT_TRUE(Eventually([&] { return Find(pool, "agw-0") == absl::StatusCode::kNotFound; }));
  first_.Start();
  common::MutexLock lock(mutex);
  is_over = true;
  changed.notify_all();
}

TEST_F(GatewayPoolTest, LoadAndDrainingAreFollowed) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
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
  EXPECT_EQ(gateway.info->context_count, 50u);
  ASSERT_EQ(gateway.info->own_addresses.size(), 1u);
  EXPECT_EQ(gateway.info->own_addresses[0].first_port, 40000);
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(Metrics(), "alg_gateways{state=\"draining\"} 1"); }));
}

TEST_F(GatewayPoolTest, AGatewayThatHangsGetsNoNewSessionsAndIsUnknown) {
  GatewayPool::Options options = Options();
  options.status_interval = absl::Milliseconds(100);
  std::unique_ptr<GatewayPool> pool = MakePool(options);
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
  first_.Hang();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().empty(); }));
  EXPECT_EQ(Find(*pool, "agw-0"), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Metrics(), testing::HasSubstr("gateway_unreachable_total{reason=\"silent\"} "));
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(Metrics(), "alg_gateways{state=\"unreachable\"} 1"); }));
  // It goes on where it was: nothing is lost.
  first_.GoOn();
  EXPECT_TRUE(Eventually([&] { return Find(*pool, "agw-0") == absl::StatusCode::kOk; }));
  EXPECT_THAT(sink_->told(), testing::IsEmpty());
}

TEST_F(GatewayPoolTest, AGatewayThatHangsForTooLongIsLost) {
  GatewayPool::Options options = Options();
  options.status_interval = absl::Milliseconds(100);
  options.lost_after = absl::Milliseconds(400);
  std::unique_ptr<GatewayPool> pool = MakePool(options);
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
  first_.Hang();
  EXPECT_TRUE(Eventually([&] { return Find(*pool, "agw-0") == absl::StatusCode::kNotFound; }));
  EXPECT_TRUE(Eventually([&] { return !sink_->told().empty(); }));
  EXPECT_EQ(sink_->told()[0], "agw-0 run-1 lost: silent");
}

// Nobody listens there any more, so there is no process that could have the contexts.
TEST_F(GatewayPoolTest, AGatewayThatIsKilledIsLostAtOnce) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
  first_.Stop();
  ASSERT_TRUE(Eventually([&] { return Find(*pool, "agw-0") == absl::StatusCode::kNotFound; }));
  EXPECT_THAT(pool->Reachable(), testing::IsEmpty());
  EXPECT_THAT(pool->Ready(), common::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(Eventually([&] { return !sink_->told().empty(); }));
  EXPECT_THAT(sink_->told(), testing::ElementsAre("agw-0 run-1 lost: refused"));
  EXPECT_THAT(Metrics(), testing::HasSubstr("gateway_unreachable_total{reason=\"stream_ended\"} "));
  EXPECT_THAT(Metrics(), testing::HasSubstr("alg_gateways{state=\"lost\"} 1"));
  first_.Start();
}

TEST_F(GatewayPoolTest, DP_15_ARestartedGatewayIsAnotherOne) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
  first_.Stop();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().empty(); }));
  first_.ChangeStatus([](iq::GatewayStatus& status) { status.set_incarnation("run-2"); });
  first_.Start();
  ASSERT_TRUE(Eventually([&] { return !pool->Reachable().empty(); }));
  EXPECT_EQ(Find(*pool, "agw-0", "run-1"), absl::StatusCode::kNotFound);
  EXPECT_EQ(Find(*pool, "agw-0", "run-2"), absl::StatusCode::kOk);
  ASSERT_TRUE(Eventually([&] { return !sink_->told().empty(); }));
  EXPECT_THAT(sink_->told()[0], testing::StartsWith("agw-0 run-1 lost: "));
}

TEST_F(GatewayPoolTest, BeforeTheFirstStatusNobodyIsLost) {
  Resolve("second", std::vector<std::string>{"127.0.0.1"});
  second_.Stop();
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(pool->WaitUntilReady(MonotonicTime::Now() + kPatience));
  EXPECT_EQ(Find(*pool, "agw-1"), absl::StatusCode::kUnavailable);
  second_.Start();
}

TEST_F(GatewayPoolTest, NotificationsGoOnAfterABreak) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return !first_.watches().empty(); }));
  first_.Notify({});
  first_.Notify({});
  ASSERT_TRUE(Eventually([&] { return sink_->told().size() == 2; }));

  first_.Stop();
  ASSERT_TRUE(Eventually([&] { return pool->Reachable().empty(); }));
  first_.Notify({});
  first_.Start();
  ASSERT_TRUE(Eventually([&] { return first_.watches().size() >= 2; }));
  const iq::WatchNotificationsRequest resumed = first_.watches().back();
  EXPECT_EQ(resumed.after_sequence_number(), 2u);
  EXPECT_EQ(resumed.incarnation(), "run-1");
  EXPECT_TRUE(Eventually([&] { return sink_->told().back() == "agw-0 run-1 3"; }));
}

TEST_F(GatewayPoolTest, AGapInTheNumbersIsTold) {
  std::unique_ptr<GatewayPool> pool = MakePool();
  ASSERT_TRUE(Eventually([&] { return !first_.watches().empty(); }));
  first_.ForgetNextNotifications(3);
  first_.Notify({});
  ASSERT_TRUE(Eventually([&] { return sink_->told().size() == 2; }));
  EXPECT_THAT(sink_->told(), testing::ElementsAre("agw-0 missed 3", "agw-0 run-1 4"));
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
  const MonotonicTime soon = MonotonicTime::Now() + kPatience;
  EXPECT_TRUE(audit("c1", {soon, nullptr}).ok());

  const absl::Status unknown = audit("unknown", {soon, nullptr});
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(common::ErrorReasonOf(unknown), "CONTEXT_UNKNOWN");

  EXPECT_EQ(audit("hangs", {MonotonicTime::Now() + absl::Milliseconds(50), nullptr}).code(),
            absl::StatusCode::kDeadlineExceeded);

  auto cancellation = std::make_shared<Cancellation>();
  EXPECT_EQ(audit("hangs", {soon, cancellation}, [&] { cancellation->Cancel(); }).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(audit("hangs", {soon, cancellation}).code(), absl::StatusCode::kCancelled);

  EXPECT_THAT(
      Metrics(),
      testing::HasSubstr("alg_iq_requests_total{code=\"NOT_FOUND\",method=\"AuditContext\"} 1"));
}

}  // namespace
}  // namespace alg
