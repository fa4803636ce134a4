#include "agw-service/context/syn_drop_watch.h"

#include <memory>
#include <vector>

#include "agw-service/context/connection_point.h"
#include "agw-service/context/testing/context_harness.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

// Gates that somebody scans: each drops one SYN.
class SynDropWatchTest : public testing::Test {
 protected:
  class NoHandler : public ReadinessHandler {
   public:
    void OnReady(const Readiness&) override {}
  };

  struct WatchedGate {
    std::unique_ptr<ConnectionPoint> point;
    uint64_t reported = 0;
    std::unique_ptr<SynDropWatch::Gate> gate;
  };

  void AddGates(int count) {
    for (int i = 0; i < count; ++i) {
      auto added = std::make_unique<WatchedGate>();
      added->point = *ConnectionPoint::Reserve(address_, ConnectionPoint::GateKind::kHopLimit,
                                               loop_, handler_);
      added->gate = std::make_unique<SynDropWatch::Gate>(
          watch_, [this, gate = added.get()](uint64_t dropped) {
            gate->reported += dropped;
            ++report_count_;
          });
      added->gate->Start(*added->point);
      gates_.push_back(std::move(added));
    }
  }

  static void SendSynTo(const WatchedGate& gate) {
    const uint64_t before = gate.point->DroppedSynCount();
    const OwnedFd scanner =
        ContextHarness::Connect(ContextHarness::kPeerAddress, gate.point->bound_address());
    while (gate.point->DroppedSynCount() == before) continue;
  }

  // What one second brings.
  struct Second {
    uint64_t counted;
    int reports;
  };
  Second PassASecond() {
    const uint64_t counted = counted_;
    const int reports = report_count_;
    now_ += absl::Seconds(1);
    loop_.RunOnce(absl::ZeroDuration());
    return {counted_ - counted, report_count_ - reports};
  }

  common::MonotonicTime now_ = common::MonotonicTime::Now();
  EventLoop loop_{[this] { return now_; }};
  NoHandler handler_;
  const common::IpAddress ip_ = *common::IpAddress::Parse("127.0.0.60");
  const RealmAddress address_{ip_, ip_,
                              std::make_unique<PortPool>(20000, 29999, absl::ZeroDuration())};
  uint64_t counted_ = 0;
  int report_count_ = 0;
  SynDropWatch watch_{loop_,
                      [this](uint64_t dropped) { counted_ += dropped; },
                      {.looks_per_second = 10, .reports_per_second = 3}};
  std::vector<std::unique_ptr<WatchedGate>> gates_;
};

TEST_F(SynDropWatchTest, AFewGatesAreAskedEverySecondAndReportOnce) {
  AddGates(2);
  EXPECT_EQ(PassASecond().reports, 0);
  SendSynTo(*gates_[1]);
  EXPECT_EQ(PassASecond().reports, 1);
  EXPECT_EQ(gates_[1]->reported, 1u);
  EXPECT_EQ(gates_[0]->reported, 0u);
  EXPECT_EQ(PassASecond().reports, 0);
  SendSynTo(*gates_[1]);
  SendSynTo(*gates_[1]);
  EXPECT_EQ(PassASecond().reports, 1);
  EXPECT_EQ(gates_[1]->reported, 3u);
  EXPECT_EQ(counted_, 3u);
}

TEST_F(SynDropWatchTest, LooksAndReportsHaveABoundWhateverTheNumberOfGatesAndTotalsStayRight) {
  constexpr int kGates = 40;
  AddGates(kGates);
  for (const auto& gate : gates_) SendSynTo(*gate);
  int seconds = 0;
  while (report_count_ < kGates) {
    const Second second = PassASecond();
    EXPECT_LE(second.counted, 10u);  // As many were asked at most.
    EXPECT_LE(second.reports, 3);
    ASSERT_LE(++seconds, 60) << "some gate has no turn";
  }
  EXPECT_EQ(counted_, uint64_t{kGates});
  for (const auto& gate : gates_) EXPECT_EQ(gate->reported, 1u);
}

TEST_F(SynDropWatchTest, TheEndOfAWaitReportsWhatIsLeft) {
  AddGates(5);
  for (const auto& gate : gates_) SendSynTo(*gate);
  EXPECT_EQ(PassASecond().reports, 3);
  for (const auto& gate : gates_) gate->gate->Stop(*gate->point);
  for (const auto& gate : gates_) EXPECT_EQ(gate->reported, 1u);
  EXPECT_EQ(counted_, 5u);
  // Nobody asks any more.
  SendSynTo(*gates_[0]);
  EXPECT_EQ(PassASecond().counted, 0u);
}

TEST_F(SynDropWatchTest, ThatNotAllMayReportHoldsUpNoLook) {
  constexpr int kGates = 40;
  AddGates(kGates);
  for (const auto& gate : gates_) SendSynTo(*gate);
  // As many seconds as a round takes: ten of them are asked in each.
  for (int second = 0; second < kGates / 10; ++second) PassASecond();
  EXPECT_EQ(counted_, uint64_t{kGates});
  EXPECT_LT(report_count_, kGates);
}

TEST_F(SynDropWatchTest, BeginningToWaitReportsNothingAtOnce) {
  AddGates(1);
  for (int i = 0; i < 20; ++i) {
    SendSynTo(*gates_[0]);
    gates_[0]->gate->Start(*gates_[0]->point);
  }
  EXPECT_EQ(report_count_, 0);
  EXPECT_EQ(PassASecond().reports, 1);
  EXPECT_EQ(gates_[0]->reported, 20u);
}

TEST_F(SynDropWatchTest, AGateThatGoesIsCountedALastTime) {
  AddGates(1);
  SendSynTo(*gates_[0]);
  gates_[0]->gate.reset();
  EXPECT_EQ(counted_, 1u);
  EXPECT_EQ(report_count_, 0);
}

TEST_F(SynDropWatchTest, GatesMayLeaveWhileOthersWait) {
  AddGates(25);
  for (const auto& gate : gates_) SendSynTo(*gate);
  PassASecond();
  for (size_t i = 0; i < gates_.size(); i += 2) {
    gates_[i]->gate.reset();
    gates_[i]->point.reset();
  }
  for (int second = 0; second < 10; ++second) PassASecond();
  for (size_t i = 1; i < gates_.size(); i += 2) EXPECT_EQ(gates_[i]->reported, 1u) << i;
}

}  // namespace
}  // namespace agw
