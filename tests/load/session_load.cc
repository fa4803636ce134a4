// What a session costs the control plane: offers, answers and releases through both services, at a
// given rate, without media. Prints CPU time of each process per session and how long an offer
// took.
//
//   session_load --alg=127.0.0.1:7050 --alg_pid=PID --agw_pid=PID --sessions=5000 --rate=500
//
// tools/benchmark starts everything.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "grpcpp/grpcpp.h"
#include "ims/alg/v1/session_service.grpc.pb.h"
#include "tests/bench/process_cost.h"
#include "tests/peers/certificate.h"
#include "tests/peers/sdp.h"

ABSL_FLAG(std::string, alg, "127.0.0.1:7050", "address of alg-service");
ABSL_FLAG(int, alg_pid, 0, "process of alg-service");
ABSL_FLAG(int, agw_pid, 0, "process of agw-service");
ABSL_FLAG(int, sessions, 5000, "sessions in all, at most 1,000,000");
ABSL_FLAG(int, rate, 500, "sessions a second, at most 10,000");
ABSL_FLAG(int, clients, 8, "calls under way at the same time, at most 64");

namespace {

using ims::alg::v1::ProcessAnswerRequest;
using ims::alg::v1::ProcessAnswerResponse;
using ims::alg::v1::ProcessOfferRequest;
using ims::alg::v1::ProcessOfferResponse;
using ims::alg::v1::ReleaseSessionRequest;
using ims::alg::v1::ReleaseSessionResponse;
using ims::alg::v1::SessionService;

// Sessions one after the other, each at its time. Thread-safe.
class Load {
 public:
  Load(const std::string& alg, int session_count, int rate)
      : channel_(grpc::CreateChannel(alg, grpc::InsecureChannelCredentials())),
        stub_(SessionService::NewStub(channel_)),
        session_count_(session_count),
        interval_(absl::Seconds(1) / rate),
        connected_(channel_->WaitForConnected(absl::ToChronoTime(absl::Now() + absl::Seconds(5)))),
        start_(absl::Now()) {
    peers::MsrpMedia offer;
    offer.address = *common::TransportAddress::Parse("127.0.0.40:7654");
    offer.path = peers::MsrpUri(/*secure=*/false, offer.address, "jshA7weztas9vkq2");
    offer.setup = "actpass";
    offer_ = peers::MakeOffer(offer);
    peers::MsrpMedia answer;
    answer.address = *common::TransportAddress::Parse("127.0.0.30:9");
    answer.path = peers::MsrpUri(/*secure=*/true, answer.address, "si438dsaodes77hq1");
    answer.setup = "active";
    answer.fingerprint = peers::Certificate::SelfSigned().sdp_fingerprint();
    answer_ = peers::MakeAnswer(answer);
  }

  void RunClient() {
    for (int number; (number = next_.fetch_add(1)) < session_count_;) {
      // The load keeps its pace whatever the services do, so that a slow answer shows.
      const absl::Time due = start_ + number * interval_;
      absl::SleepFor(std::max(absl::ZeroDuration(), due - absl::Now()));
      RunSession(number, due);
    }
  }

  bool connected() const { return connected_; }
  int failure_count() const { return failure_count_.load(); }

  // Since the offer was due.
  absl::Duration OfferTime(double quantile) {
    common::MutexLock lock(mutex_);
    if (offer_times_.empty()) return absl::ZeroDuration();
    std::sort(offer_times_.begin(), offer_times_.end());
    return offer_times_[static_cast<size_t>(quantile *
                                            static_cast<double>(offer_times_.size() - 1))];
  }

 private:
  void RunSession(int number, absl::Time due) {
    ProcessOfferRequest offer;
    offer.set_request_id(absl::StrCat("load-", absl::ToUnixNanos(start_), "-", number));
    offer.set_direction(ims::alg::v1::DIRECTION_TERMINATING);
    offer.set_sdp(offer_);
    offer.mutable_e2ae_support()->mutable_indications()->set_ue(true);
    offer.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
    ProcessOfferResponse offered;
    if (!Call(&SessionService::Stub::ProcessOffer, offer, &offered)) return;
    const absl::Duration taken = absl::Now() - due;
    {
      common::MutexLock lock(mutex_);
      offer_times_.push_back(taken);
    }
    ProcessAnswerRequest answer;
    answer.set_request_id(offer.request_id() + "-answer");
    answer.set_session_id(offered.session_id());
    answer.set_sdp(answer_);
    ProcessAnswerResponse answered;
    Call(&SessionService::Stub::ProcessAnswer, answer, &answered);
    ReleaseSessionRequest release;
    release.set_session_id(offered.session_id());
    ReleaseSessionResponse released;
    Call(&SessionService::Stub::ReleaseSession, release, &released);
  }

  template <typename Request, typename Response>
  bool Call(grpc::Status (SessionService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
            const Request& request, Response* response) {
    grpc::ClientContext call;
    call.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(5)));
    const grpc::Status status = (stub_.get()->*method)(&call, request, response);
    if (status.ok()) return true;
    if (failure_count_.fetch_add(1) == 0) {
      std::fprintf(stderr, "first failure: %s\n", status.error_message().c_str());
    }
    return false;
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<SessionService::Stub> stub_;
  const int session_count_;
  const absl::Duration interval_;
  const bool connected_;  // Before the first session is due.
  const absl::Time start_;
  std::string offer_;
  std::string answer_;
  std::atomic<int> next_{0};
  std::atomic<int> failure_count_{0};
  common::Mutex mutex_;
  std::vector<absl::Duration> offer_times_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("what a session costs the control plane");
  absl::ParseCommandLine(argc, argv);
  const int sessions = std::clamp(absl::GetFlag(FLAGS_sessions), 1, 1'000'000);
  const int rate = std::clamp(absl::GetFlag(FLAGS_rate), 1, 10'000);
  const int clients = std::clamp(absl::GetFlag(FLAGS_clients), 1, 64);
  const int alg_pid = absl::GetFlag(FLAGS_alg_pid);
  const int agw_pid = absl::GetFlag(FLAGS_agw_pid);

  const absl::Duration alg_before = bench::CpuTime(alg_pid);
  const absl::Duration agw_before = bench::CpuTime(agw_pid);
  Load load(absl::GetFlag(FLAGS_alg), sessions, rate);
  if (!load.connected()) {
    std::fprintf(stderr, "alg-service does not answer\n");
    return 1;
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) threads.emplace_back([&load] { load.RunClient(); });
  for (std::thread& thread : threads) thread.join();
  const double alg_us = absl::ToDoubleMicroseconds(bench::CpuTime(alg_pid) - alg_before) / sessions;
  const double agw_us = absl::ToDoubleMicroseconds(bench::CpuTime(agw_pid) - agw_before) / sessions;

  std::printf("sessions %d at %d/s, %d calls failed\n", sessions, rate, load.failure_count());
  std::printf("CPU per session: alg-service %.0f us, agw-service %.0f us, together %.0f us\n",
              alg_us, agw_us, alg_us + agw_us);
  std::printf("offer: p50 %.2f ms, p99 %.2f ms\n", absl::ToDoubleMilliseconds(load.OfferTime(0.50)),
              absl::ToDoubleMilliseconds(load.OfferTime(0.99)));
  return load.failure_count() == 0 ? 0 : 1;
}
