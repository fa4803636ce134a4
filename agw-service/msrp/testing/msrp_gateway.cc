// One application-aware media stream as a program, for tests with foreign MSRP ends: what an IMS-AGW
// has of it but Iq and TLS. T1's URIs are "msrps" all the same.
//
//   msrp_gateway ACCESS_ADDRESS CORE_ADDRESS
//
// Prints the transport addresses of T1 and T2, a line each. Then reads three lines: the transport
// address to connect to from T2, the path of the UE, the path of the peer. Takes one connection at
// T1, connects, and carries MSRP until both directions have ended or one breaks. At last it prints,
// for each direction, a line of JSON with what was counted.

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/bearer/side.h"
#include "agw-service/bearer/tcp_stream.h"
#include "agw-service/bearer/through_connection.h"
#include "agw-service/bearer/transformer.h"
#include "agw-service/msrp/msrp_counters.h"
#include "agw-service/msrp/msrp_rewriting.h"
#include "agw-service/msrp/msrp_transformer.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/net/socket.h"
#include "common/check.h"
#include "common/ip_address.h"

namespace agw {
namespace {

// One side's connection.
class End : public ReadinessHandler {
 public:
  // Calls `on_ready` for each readiness.
  End(EventLoop& loop, OwnedFd fd, Scratch& scratch,
      absl::AnyInvocable<void(const Readiness&)> on_ready)
      : loop_(loop), stream_(std::move(fd), scratch), on_ready_(std::move(on_ready)) {
    loop_.Add(stream_.fd(), *this);
  }
  ~End() { loop_.Remove(stream_.fd()); }

  void OnReady(const Readiness& readiness) override { on_ready_(readiness); }
  TcpStream& stream() { return stream_; }

 private:
  EventLoop& loop_;
  TcpStream stream_;
  absl::AnyInvocable<void(const Readiness&)> on_ready_;
};

// Carries until the end; returns what ended it, OK if both directions came to theirs.
absl::Status Carry(OwnedFd access_fd, OwnedFd core_fd, Transformer& from_access,
                   Transformer& from_core) {
  EventLoop loop;
  Scratch scratch;
  absl::optional<ThroughConnection::Failure> failure;
  std::unique_ptr<ThroughConnection> through;
  const auto handler_of = [&](Side side) {
    return [&, side](const Readiness& readiness) {
      if (!failure.has_value()) failure = through->OnReady(side, readiness);
    };
  };
  End access(loop, std::move(access_fd), scratch, handler_of(Side::kAccess));
  End core(loop, std::move(core_fd), scratch, handler_of(Side::kCore));
  through =
      std::make_unique<ThroughConnection>(access.stream(), core.stream(), &from_access, &from_core);
  while (!failure.has_value() && !through->finished()) {
    for (const auto& [side, end] : {std::pair(Side::kAccess, &access), {Side::kCore, &core}}) {
      const ThroughConnection::Interest interest = through->interest(side);
      loop.SetInterest(end->stream().fd(), interest.readable, interest.writable);
    }
    loop.RunOnce(absl::Seconds(1));
  }
  return failure.has_value() ? failure->status : absl::OkStatus();
}

OwnedFd AcceptOne(int listener) {
  for (;;) {
    absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener);
    CHECK(accepted.ok());
    if (accepted->has_value()) return std::move((*accepted)->fd);
    absl::SleepFor(absl::Milliseconds(5));
  }
}

template <typename Array>
std::string Json(const Array& counts) {
  return absl::StrCat("[", absl::StrJoin(counts, ","), "]");
}

std::string Json(const MsrpCounters& counters) {
  return absl::StrCat("{\"requests\":", Json(counters.requests),
                      ",\"responses\":", Json(counters.responses), ",\"chunks\":", counters.chunks,
                      ",\"complete_messages\":", counters.complete_messages,
                      ",\"aborted_messages\":", counters.aborted_messages,
                      ",\"not_addressed\":", counters.not_addressed,
                      ",\"framing_errors\":", Json(counters.framing_errors), "}");
}

std::string ReadLine() {
  std::string line;
  CHECK(std::getline(std::cin, line));
  return line;
}

int Run(const char* access_address, const char* core_address) {
  const OwnedFd listener = *BindTcp({*common::IpAddress::Parse(access_address), 0});
  CHECK(Listen(listener.get(), 1).ok());
  OwnedFd core = *BindTcp({*common::IpAddress::Parse(core_address), 0});
  MsrpSide access_side;
  access_side.tls = true;
  access_side.termination = *LocalAddress(listener.get());
  MsrpSide core_side;
  core_side.termination = *LocalAddress(core.get());
  std::cout << access_side.termination.ToString() << std::endl
            << core_side.termination.ToString() << std::endl;

  const common::TransportAddress remote = *common::TransportAddress::Parse(ReadLine());
  access_side.peer_path = absl::StrSplit(ReadLine(), ' ');
  core_side.peer_path = absl::StrSplit(ReadLine(), ' ');
  MsrpScratch scratch;
  MsrpCounters from_access_counters;
  MsrpCounters from_core_counters;
  MsrpTransformer from_access(*MsrpRewriting::Create(access_side, core_side), scratch,
                              from_access_counters);
  MsrpTransformer from_core(*MsrpRewriting::Create(core_side, access_side), scratch,
                            from_core_counters);

  OwnedFd access = AcceptOne(listener.get());
  CHECK(StartConnect(core.get(), remote).ok());
  const absl::Status status = Carry(std::move(access), std::move(core), from_access, from_core);
  std::cout << Json(from_access_counters) << std::endl << Json(from_core_counters) << std::endl;
  if (status.ok()) return 0;
  std::cerr << status << std::endl;
  return 1;
}

}  // namespace
}  // namespace agw

int main(int argc, char** argv) {
  CHECK(argc == 3);
  return agw::Run(argv[1], argv[2]);
}
