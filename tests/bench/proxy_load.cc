// One measurement of one proxy: what a unit of work costs its process. tools/bench starts the
// proxies and calls this again and again.
//
//   proxy_load --work=up --pids=PID --proxy=127.0.0.11:4433 --core=127.0.0.40:7000
//       --phone=127.0.0.30 --certificate=FILE --key=FILE --sessions=20 --amount=30000000
//
// With --iq=ADDRESS instead of --proxy each session is a context of an IMS-AGW. The result is a
// line of JSON.

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/ip_address.h"
#include "common/status_macros.h"
#include "tests/bench/iq_sessions.h"
#include "tests/bench/load.h"
#include "tests/bench/payloads.h"
#include "tests/bench/phone.h"
#include "tests/bench/process_cost.h"

ABSL_FLAG(
    std::string, work, "",
    "up, down: --amount octets through each of --sessions; ping: --amount messages in all; "
    "setup: --sessions set up and ended; idle: memory of --sessions; waiting: of contexts "
    "without a connection; flat: what another session costs beside few and beside --sessions");
ABSL_FLAG(std::vector<std::string>, pids, {}, "the processes of the proxy");
ABSL_FLAG(std::string, proxy, "", "where the proxy takes TLS");
ABSL_FLAG(std::string, iq, "", "where the IMS-AGW takes Iq");
ABSL_FLAG(std::string, core, "127.0.0.40:7000", "where the proxy connects to");
ABSL_FLAG(std::string, phone, "127.0.0.30", "where the phones connect from");
ABSL_FLAG(std::string, certificate, "", "the phones' certificate, PEM; none: no TLS");
ABSL_FLAG(std::string, key, "", "its key, PEM");
ABSL_FLAG(bool, msrp, false, "up, down: the IMS-AGW reads MSRP, in chunks of 64 KiB");
ABSL_FLAG(int, sessions, 20, "1 to 10,000");
ABSL_FLAG(int64_t, amount, 0, "see --work");

namespace bench {
namespace {

// Set-ups under way at the same time.
constexpr size_t kSetUpsAtOnce = 20;

// Contexts set up over Iq before their phones connect.
constexpr size_t kBatch = 200;

// What is looked at before it is poured, of each session; opens TCP's windows too.
constexpr uint64_t kWarmUpSize = 1'000'000;

constexpr size_t kMessageSize = 1024;

// Where cost is compared between few and many sessions.
constexpr size_t kFew = 100;
constexpr size_t kPinging = 50;
constexpr size_t kFlatPings = 40'000;

// Long enough for what a process does after the last byte, logging above all.
constexpr absl::Duration kSettle = absl::Milliseconds(20);

using Figures = std::map<std::string, double>;

// CPU time of a proxy since the last look.
class Meter {
 public:
  explicit Meter(std::vector<pid_t> processes) : processes_(std::move(processes)) { Take(); }

  struct Cost {
    absl::Duration all;
    absl::Duration workers;  // Threads of an IMS-AGW that move bytes.
  };
  Cost Take() {
    absl::SleepFor(kSettle);
    Cost now;
    for (const pid_t process : processes_) {
      now.all += CpuTime(process);
      now.workers += CpuTimeByThread(process)["worker"];
    }
    const Cost before = std::exchange(last_, now);
    return {now.all - before.all, now.workers - before.workers};
  }

  int64_t memory() const {
    int64_t sum = 0;
    for (const pid_t process : processes_) sum += ProportionalSetSize(process);
    return sum;
  }

 private:
  const std::vector<pid_t> processes_;
  Cost last_;
};

// The proxy and who talks through it.
class Bench {
 public:
  Bench(Load& load, IqSessions* iq, const common::TransportAddress& proxy, Meter& meter)
      : load_(load), iq_(iq), proxy_(proxy), meter_(meter) {}

  // Sessions at rest.
  absl::Status Connect(size_t count) {
    for (size_t done = 0; done < count; done += kBatch) {
      ASSIGN_OR_RETURN(const std::vector<common::TransportAddress> proxies,
                       Proxies(std::min(kBatch, count - done)));
      RETURN_IF_ERROR(load_.Connect(proxies, kSetUpsAtOnce));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Figures> Up(size_t sessions, uint64_t amount) {
    RETURN_IF_ERROR(Connect(sessions));
    const Payloads payloads = absl::GetFlag(FLAGS_msrp) ? MsrpUp() : PlainPayloads();
    RETURN_IF_ERROR(load_.SendUp(payloads, sessions, kWarmUpSize));
    meter_.Take();
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(load_.PourUp(payloads, sessions, amount));
    return Bulk(sessions * amount, absl::Now() - start);
  }

  absl::StatusOr<Figures> Down(size_t sessions, uint64_t amount) {
    RETURN_IF_ERROR(Connect(sessions));
    const Payloads payloads = absl::GetFlag(FLAGS_msrp) ? MsrpDown() : PlainPayloads();
    RETURN_IF_ERROR(load_.SendDown(payloads, sessions, kWarmUpSize));
    meter_.Take();
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(load_.PourDown(payloads, sessions, amount));
    return Bulk(sessions * amount, absl::Now() - start);
  }

  absl::StatusOr<Figures> Ping(size_t sessions, size_t amount) {
    RETURN_IF_ERROR(Connect(sessions));
    RETURN_IF_ERROR(load_.Ping(kMessageSize, sessions, 10 * sessions).status());
    meter_.Take();
    ASSIGN_OR_RETURN(std::vector<absl::Duration> times, load_.Ping(kMessageSize, sessions, amount));
    const Meter::Cost cost = meter_.Take();
    std::sort(times.begin(), times.end());
    const auto quantile = [&times](double part) {
      return absl::ToDoubleMicroseconds(
          times[static_cast<size_t>(part * static_cast<double>(times.size() - 1))]);
    };
    return Figures{
        {"us_per_round_trip", absl::ToDoubleMicroseconds(cost.all) / static_cast<double>(amount)},
        {"p50_us", quantile(0.50)},
        {"p99_us", quantile(0.99)}};
  }

  absl::StatusOr<Figures> SetUp(size_t sessions) {
    RETURN_IF_ERROR(SetUpOnce(kSetUpsAtOnce).status());
    absl::Duration all;
    absl::Duration data_plane;
    for (size_t done = 0; done < sessions; done += kBatch) {
      ASSIGN_OR_RETURN(const Costs costs, SetUpOnce(std::min(kBatch, sessions - done)));
      all += costs.iq.all + costs.connections.all;
      data_plane += costs.connections.workers;
    }
    const auto each = [&](absl::Duration time) {
      return absl::ToDoubleMicroseconds(time) / static_cast<double>(sessions);
    };
    Figures figures = {{"us_per_setup", each(all)}};
    if (iq_ != nullptr) {
      figures["us_per_setup_data_plane"] = each(data_plane);
      figures["us_per_setup_control_plane"] = each(all - data_plane);
    }
    return figures;
  }

  absl::StatusOr<Figures> Idle(size_t sessions) {
    RETURN_IF_ERROR(SetUpOnce(kSetUpsAtOnce).status());
    const int64_t before = meter_.memory();
    RETURN_IF_ERROR(Connect(sessions));
    // One message each way, so that what a session keeps from its last byte counts.
    RETURN_IF_ERROR(load_.Ping(kMessageSize, sessions, sessions).status());
    absl::SleepFor(kSettle);
    return Memory(before, sessions);
  }

  absl::StatusOr<Figures> Waiting(size_t sessions) {
    RETURN_IF_ERROR(SetUpOnce(kSetUpsAtOnce).status());
    const int64_t before = meter_.memory();
    RETURN_IF_ERROR(Proxies(sessions).status());
    absl::SleepFor(kSettle);
    return Memory(before, sessions);
  }

  // Memory of a session, a set-up and a round trip, first beside `kFew` sessions at rest, then
  // beside `many`.
  absl::StatusOr<Figures> Flat(size_t many) {
    RETURN_IF_ERROR(SetUpOnce(kSetUpsAtOnce).status());
    Figures figures;
    for (const size_t sessions : {kFew, many}) {
      const int64_t before = meter_.memory();
      const size_t more = sessions - load_.session_count();
      RETURN_IF_ERROR(Connect(more));
      RETURN_IF_ERROR(load_.Ping(kMessageSize, more, more).status());
      const std::string beside = absl::StrCat("_beside_", sessions == many ? "many" : "few");
      absl::SleepFor(kSettle);
      figures["bytes_per_session" + beside] = Memory(before, more)["bytes_per_session"];
      meter_.Take();
      RETURN_IF_ERROR(load_.Ping(kMessageSize, kPinging, kFlatPings).status());
      figures["us_per_round_trip" + beside] =
          absl::ToDoubleMicroseconds(meter_.Take().all) / static_cast<double>(kFlatPings);
      ASSIGN_OR_RETURN(const Costs costs, SetUpOnce(kBatch));
      figures["us_per_setup" + beside] =
          absl::ToDoubleMicroseconds(costs.iq.all + costs.connections.all) / kBatch;
    }
    figures["sessions"] = static_cast<double>(load_.session_count());
    return figures;
  }

  absl::Status End() {
    RETURN_IF_ERROR(load_.Close());
    return iq_ != nullptr ? iq_->Release(iq_->count()) : absl::OkStatus();
  }

 private:
  // Where the next sessions' phones connect to.
  absl::StatusOr<std::vector<common::TransportAddress>> Proxies(size_t count) {
    if (iq_ != nullptr) return iq_->SetUp(count);
    return std::vector<common::TransportAddress>(count, proxy_);
  }

  struct Costs {
    Meter::Cost iq;           // Reserve, Configure, Release.
    Meter::Cost connections;  // From the SYN to the last FIN.
  };
  absl::StatusOr<Costs> SetUpOnce(size_t sessions) {
    Costs costs;
    meter_.Take();
    ASSIGN_OR_RETURN(const std::vector<common::TransportAddress> proxies, Proxies(sessions));
    costs.iq = meter_.Take();
    RETURN_IF_ERROR(load_.ConnectAndClose(proxies, kSetUpsAtOnce));
    costs.connections = meter_.Take();
    if (iq_ == nullptr) return costs;
    RETURN_IF_ERROR(iq_->Release(sessions));
    const Meter::Cost release = meter_.Take();
    costs.iq.all += release.all;
    costs.iq.workers += release.workers;
    return costs;
  }

  Figures Bulk(uint64_t byte_count, absl::Duration time) {
    const Meter::Cost cost = meter_.Take();
    const double gigabytes = static_cast<double>(byte_count) * 1e-9;
    return {{"s_per_gb", absl::ToDoubleSeconds(cost.all) / gigabytes},
            {"gb_per_s", gigabytes / absl::ToDoubleSeconds(time)}};
  }

  Figures Memory(int64_t before, size_t sessions) const {
    return {{"bytes_per_session",
             static_cast<double>(meter_.memory() - before) / static_cast<double>(sessions)},
            {"bytes_before", static_cast<double>(before)}};
  }

  Load& load_;
  IqSessions* const iq_;  // Null: a proxy that needs no word of each session.
  const common::TransportAddress proxy_;
  Meter& meter_;
};

absl::StatusOr<Figures> Measure() {
  std::vector<pid_t> processes;
  for (const std::string& text : absl::GetFlag(FLAGS_pids)) {
    processes.push_back(0);
    if (!absl::SimpleAtoi(text, &processes.back())) {
      return absl::InvalidArgumentError("--pids: not a number");
    }
  }
  ASSIGN_OR_RETURN(const common::IpAddress phone_ip,
                   common::IpAddress::Parse(absl::GetFlag(FLAGS_phone)));
  ASSIGN_OR_RETURN(const common::TransportAddress core,
                   common::TransportAddress::Parse(absl::GetFlag(FLAGS_core)));
  std::unique_ptr<PhoneProfile> profile;
  if (const std::string certificate = absl::GetFlag(FLAGS_certificate); !certificate.empty()) {
    ASSIGN_OR_RETURN(profile, PhoneProfile::Load(certificate, absl::GetFlag(FLAGS_key)));
  }
  const bool msrp = absl::GetFlag(FLAGS_msrp);
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Load> load,
      Load::Start(profile.get(), phone_ip, core, msrp ? MsrpGreeting() : PlainGreeting()));
  std::unique_ptr<IqSessions> iq;
  common::TransportAddress proxy;
  if (!absl::GetFlag(FLAGS_iq).empty() && profile != nullptr) {
    ASSIGN_OR_RETURN(iq, IqSessions::Connect({.iq_address = absl::GetFlag(FLAGS_iq),
                                              .phone_ip = phone_ip,
                                              .phone_digest = profile->digest(),
                                              .core = core,
                                              .phone_path = std::string(msrp ? kPhonePath : ""),
                                              .core_path = std::string(msrp ? kCorePath : "")}));
  } else {
    ASSIGN_OR_RETURN(proxy, common::TransportAddress::Parse(absl::GetFlag(FLAGS_proxy)));
  }

  Meter meter(processes);
  Bench bench(*load, iq.get(), proxy, meter);
  const auto sessions = static_cast<size_t>(std::clamp(absl::GetFlag(FLAGS_sessions), 1, 10'000));
  const auto amount = static_cast<uint64_t>(std::max<int64_t>(1, absl::GetFlag(FLAGS_amount)));
  const std::string work = absl::GetFlag(FLAGS_work);
  absl::StatusOr<Figures> figures = absl::InvalidArgumentError("--work: not one of ours");
  if (work == "up") figures = bench.Up(sessions, amount);
  if (work == "down") figures = bench.Down(sessions, amount);
  if (work == "ping") figures = bench.Ping(sessions, amount);
  if (work == "setup") figures = bench.SetUp(sessions);
  if (work == "idle") figures = bench.Idle(sessions);
  if (work == "flat") figures = bench.Flat(sessions);
  if (work == "waiting" && iq != nullptr) figures = bench.Waiting(sessions);
  if (figures.ok()) RETURN_IF_ERROR(bench.End());
  return figures;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("what a unit of work costs a proxy");
  absl::ParseCommandLine(argc, argv);
  // Two descriptors a session.
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  const absl::StatusOr<bench::Figures> figures = bench::Measure();
  if (!figures.ok()) {
    std::fprintf(stderr, "proxy_load: %s\n", figures.status().ToString().c_str());
    return 1;
  }
  std::printf("{%s}\n", absl::StrJoin(*figures, ", ", [](std::string* out, const auto& figure) {
                          absl::StrAppend(out, "\"", figure.first, "\": ", figure.second);
                        }).c_str());
  return 0;
}
