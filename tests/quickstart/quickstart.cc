// Plays both call flows through a running IMS-ALG and IMS-AGW and prints what happened. The last
// line is the verdict; exit code 0 if all went as TS 23.334 clause 6.2.10.3.1.2 says.
// tools/quickstart starts everything this needs.

#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "tests/peers/notification_watcher.h"
#include "tests/peers/socket.h"
#include "tests/quickstart/flow.h"

ABSL_FLAG(std::string, alg, "127.0.0.1:7050", "address of alg-service");
ABSL_FLAG(std::string, agw, "127.0.0.1:7060", "address of agw-service");
ABSL_FLAG(std::string, phone, "127.0.0.30", "address of the phone, UE B");
ABSL_FLAG(std::string, core, "127.0.0.40", "address of the core peer, A");

namespace {

int Fail(absl::string_view why) {
  std::printf("FAILED: %s\n", std::string(why).c_str());
  return 1;
}

std::shared_ptr<grpc::Channel> Open(const std::string& address) {
  std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  return channel->WaitForConnected(absl::ToChronoTime(absl::Now() + absl::Seconds(15))) ? channel
                                                                                        : nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("plays both call flows of TS 23.334 clause 6.2.10.3.1.2");
  absl::ParseCommandLine(argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);

  const std::string alg = absl::GetFlag(FLAGS_alg);
  const std::string agw = absl::GetFlag(FLAGS_agw);
  const absl::StatusOr<common::IpAddress> phone =
      common::IpAddress::Parse(absl::GetFlag(FLAGS_phone));
  const absl::StatusOr<common::IpAddress> core =
      common::IpAddress::Parse(absl::GetFlag(FLAGS_core));
  if (!phone.ok() || !core.ok()) return Fail("--phone and --core take IP addresses");
  quickstart::Stage stage{.alg = Open(alg),
                          .agw = Open(agw),
                          .notifications = nullptr,
                          .phone_ip = *phone,
                          .core_ip = *core};
  if (stage.alg == nullptr) return Fail(absl::StrCat("alg-service does not answer on ", alg));
  if (stage.agw == nullptr) return Fail(absl::StrCat("agw-service does not answer on ", agw));
  peers::NotificationWatcher notifications(stage.agw);
  stage.notifications = &notifications;

  const absl::Time start = absl::Now();
  std::printf("\nUE B %s   IMS-AGW %s (Iq)   IMS-ALG %s (API)   core A %s\n\n",
              phone->ToString().c_str(), agw.c_str(), alg.c_str(), core->ToString().c_str());
  int number = 0;
  for (ims::alg::v1::CoreConnect variant :
       {ims::alg::v1::CORE_CONNECT_TRIGGERED, ims::alg::v1::CORE_CONNECT_ALG_ORDERED}) {
    ++number;
    quickstart::Flow flow(stage, variant);
    const absl::Status played = flow.Play();
    std::printf("%s\n", flow.Report().c_str());
    if (!played.ok()) return Fail(absl::StrFormat("flow %d, %s", number, played.message()));
  }
  std::printf(
      "OK: both flows as in TS 23.334 6.2.10.3.1.2; 4 chat messages and 2 files of 5 MiB "
      "arrived, in %.1f s\n",
      absl::ToDoubleSeconds(absl::Now() - start));
  return 0;
}
