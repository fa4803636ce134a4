// How long the messages of well-behaved sessions take while others of the same IMS-AGW are abused.
// tools/bench --abuse starts it.
//
//   abuse_load --iq=127.0.0.1:7061 --core=127.0.0.40:7000 --certificate=FILE --key=FILE
//
// 50 sessions send 1 KiB twenty times a second each, which the core returns. The result is a line
// of JSON: of each abuse the round-trip times, in microseconds, and those without any, before and
// after it. Phones and abusers share a core, where the abusers give way.

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/ip_address.h"
#include "common/status_macros.h"
#include "tests/bench/abuse.h"
#include "tests/bench/iq_sessions.h"
#include "tests/bench/load.h"
#include "tests/bench/payloads.h"
#include "tests/bench/phone.h"
#include "tests/peers/socket.h"

ABSL_FLAG(std::string, iq, "", "where the IMS-AGW takes Iq");
ABSL_FLAG(std::string, core, "127.0.0.40:7000", "where the IMS-AGW connects to");
ABSL_FLAG(std::string, phone, "127.0.0.30", "where well-behaved phones connect from");
ABSL_FLAG(std::string, certificate, "", "the phones' certificate, PEM");
ABSL_FLAG(std::string, key, "", "its key, PEM");
ABSL_FLAG(int, seconds, 2, "of each measurement; 1 to 60");

namespace bench {
namespace {

constexpr size_t kSessions = 50;
constexpr size_t kMessageSize = 1024;
constexpr absl::Duration kInterval = absl::Milliseconds(50);

// Contexts that are abused: each lets in three connections until one passes TLS.
constexpr size_t kVictims = 1000;
constexpr size_t kSlowReaders = 100;

// In a step of theirs more than this is only taken while queues fill.
constexpr size_t kBusyStep = 1'000'000;

// Until abuse has its full force.
constexpr absl::Duration kRamp = absl::Milliseconds(300);

struct Times {
  double p50;
  double p99;
};

class AbuseBench {
 public:
  static absl::StatusOr<std::unique_ptr<AbuseBench>> Start() {
    auto bench = std::make_unique<AbuseBench>();
    ASSIGN_OR_RETURN(bench->profile_, PhoneProfile::Load(absl::GetFlag(FLAGS_certificate),
                                                         absl::GetFlag(FLAGS_key)));
    ASSIGN_OR_RETURN(bench->core_, common::TransportAddress::Parse(absl::GetFlag(FLAGS_core)));
    ASSIGN_OR_RETURN(const common::IpAddress phone,
                     common::IpAddress::Parse(absl::GetFlag(FLAGS_phone)));
    ASSIGN_OR_RETURN(bench->iq_, bench->ConnectIq(phone, bench->core_));
    ASSIGN_OR_RETURN(bench->load_,
                     Load::Start(bench->profile_.get(), phone, bench->core_, PlainGreeting()));
    ASSIGN_OR_RETURN(const std::vector<common::TransportAddress> proxies,
                     bench->iq_->SetUp(kSessions));
    RETURN_IF_ERROR(bench->load_->Connect(proxies, kSessions));
    return bench;
  }

  absl::StatusOr<Times> Measure() {
    ASSIGN_OR_RETURN(
        std::vector<absl::Duration> times,
        load_->PingEvery(kMessageSize, kInterval,
                         absl::Seconds(std::clamp(absl::GetFlag(FLAGS_seconds), 1, 60))));
    std::sort(times.begin(), times.end());
    const auto quantile = [&times](double part) {
      return absl::ToDoubleMicroseconds(
          times[static_cast<size_t>(part * static_cast<double>(times.size() - 1))]);
    };
    return Times{quantile(0.50), quantile(0.99)};
  }

  // Its line of the result.
  using MakeStep = std::function<std::function<void()>(absl::Span<const common::TransportAddress>,
                                                       const common::IpAddress&)>;
  absl::StatusOr<std::string> Against(absl::string_view name, absl::Duration interval,
                                      const common::IpAddress& source, const MakeStep& make) {
    // A core that answers SYNs and does nothing more.
    ASSIGN_OR_RETURN(const peers::Listener core,
                     peers::Listener::Listen({.ip = core_.ip, .port = 0}));
    ASSIGN_OR_RETURN(const std::unique_ptr<IqSessions> victims, ConnectIq(abuser_, core.address()));
    ASSIGN_OR_RETURN(const std::vector<common::TransportAddress> targets, victims->SetUp(kVictims));
    ASSIGN_OR_RETURN(std::string line, Compare(name, interval, make(targets, source)));
    RETURN_IF_ERROR(victims->Release(kVictims));
    return line;
  }

  absl::StatusOr<std::string> AgainstSlowReaders() {
    const common::TransportAddress core = {.ip = core_.ip,
                                           .port = static_cast<uint16_t>(core_.port + 1)};
    // Phones of one thread share buffers.
    ASSIGN_OR_RETURN(
        const std::unique_ptr<PhoneProfile> profile,
        PhoneProfile::Load(absl::GetFlag(FLAGS_certificate), absl::GetFlag(FLAGS_key)));
    ASSIGN_OR_RETURN(const std::unique_ptr<IqSessions> iq, ConnectIq(abuser_, core));
    ASSIGN_OR_RETURN(const std::unique_ptr<Load> load,
                     Load::Start(profile.get(), abuser_, core, PlainGreeting()));
    ASSIGN_OR_RETURN(const std::vector<common::TransportAddress> proxies, iq->SetUp(kSlowReaders));
    RETURN_IF_ERROR(load->Connect(proxies, kSessions));
    // First the queues of the kernel fill, as fast as the IMS-AGW can; that is bulk like any other.
    std::atomic<int64_t> last_busy_ms{absl::ToUnixMillis(absl::Now())};
    ASSIGN_OR_RETURN(const Times before, Measure());
    std::optional<Abuse> abuse(std::in_place, absl::Milliseconds(10), [&] {
      if (load->StepOfSlowReaders() > kBusyStep) {
        last_busy_ms.store(absl::ToUnixMillis(absl::Now()));
      }
    });
    ASSIGN_OR_RETURN(const Times filling, Measure());
    const absl::Time give_up = absl::Now() + peers::kPatience;
    while (absl::Now() - absl::FromUnixMillis(last_busy_ms.load()) < kRamp) {
      if (absl::Now() > give_up) return absl::DeadlineExceededError("the queues do not fill");
      absl::SleepFor(absl::Milliseconds(10));
    }
    ASSIGN_OR_RETURN(const Times slow, Measure());
    abuse.reset();
    RETURN_IF_ERROR(iq->Release(kSlowReaders));
    ASSIGN_OR_RETURN(const Times after, Measure());
    return absl::StrCat(Line("100 downloads at once", before, filling, after), ", ",
                        Line("slow readers", before, slow, after));
  }

  const common::IpAddress& abuser() const { return abuser_; }

 private:
  absl::StatusOr<std::unique_ptr<IqSessions>> ConnectIq(const common::IpAddress& phone,
                                                        const common::TransportAddress& core) {
    return IqSessions::Connect({.iq_address = absl::GetFlag(FLAGS_iq),
                                .phone_ip = phone,
                                .phone_digest = profile_->digest(),
                                .core = core});
  }

  absl::StatusOr<std::string> Compare(absl::string_view name, absl::Duration interval,
                                      std::function<void()> step) {
    ASSIGN_OR_RETURN(const Times before, Measure());
    std::optional<Abuse> abuse(std::in_place, interval, std::move(step));
    absl::SleepFor(kRamp);
    ASSIGN_OR_RETURN(const Times under, Measure());
    abuse.reset();
    absl::SleepFor(kRamp);
    ASSIGN_OR_RETURN(const Times after, Measure());
    return Line(name, before, under, after);
  }

  static std::string Line(absl::string_view name, const Times& before, const Times& under,
                          const Times& after) {
    return absl::StrCat("\"", name, "\": {\"p50_us\": ", under.p50, ", \"p99_us\": ", under.p99,
                        ", \"p50_us_without\": ", (before.p50 + after.p50) / 2,
                        ", \"p99_us_without\": ", (before.p99 + after.p99) / 2, "}");
  }

  const common::IpAddress abuser_ = peers::At("127.0.0.31:0").ip;
  std::unique_ptr<PhoneProfile> profile_;
  common::TransportAddress core_;
  std::unique_ptr<IqSessions> iq_;
  std::unique_ptr<Load> load_;
};

absl::StatusOr<std::string> MeasureAll() {
  ASSIGN_OR_RETURN(const std::unique_ptr<AbuseBench> bench, AbuseBench::Start());
  const common::IpAddress stranger = peers::At("127.0.66.1:0").ip;
  std::vector<std::string> lines(1);
  ASSIGN_OR_RETURN(lines[0], bench->AgainstSlowReaders());
  struct Kind {
    absl::string_view name;
    absl::Duration interval;
    common::IpAddress source;
    AbuseBench::MakeStep make;
  };
  for (const Kind& kind :
       {Kind{"slow handshakes", absl::Milliseconds(1), bench->abuser(), SlowHandshake},
        Kind{"plaintext", absl::Milliseconds(1), bench->abuser(), Plaintext},
        Kind{"resets", absl::Milliseconds(1), bench->abuser(), Reset},
        Kind{"SYNs, filtered source", absl::Milliseconds(1), stranger, SynFlood},
        Kind{"SYNs, permitted source", absl::Milliseconds(1), bench->abuser(), SynFlood}}) {
    ASSIGN_OR_RETURN(std::string line,
                     bench->Against(kind.name, kind.interval, kind.source, kind.make));
    lines.push_back(std::move(line));
  }
  return absl::StrJoin(lines, ", ");
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("messages of some sessions while others are abused");
  absl::ParseCommandLine(argc, argv);
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  const absl::StatusOr<std::string> result = bench::MeasureAll();
  if (!result.ok()) {
    std::fprintf(stderr, "abuse_load: %s\n", result.status().ToString().c_str());
    return 1;
  }
  std::printf("{%s}\n", result->c_str());
  return 0;
}
