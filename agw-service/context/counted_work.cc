// Work whose instructions `tools/count_instructions` counts: sessions that come about and are
// released, and messages of 1 KiB there and back through one of them, over TLS on loopback.
//
//   counted_work SESSIONS ROUND_TRIPS
//
// Ends with 0 if all of it was done. Only what runs inside the context and its event loop counts;
// the peers, in the same thread, do not.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/types/optional.h"
#include "agw-service/bearer/side.h"
#include "agw-service/context/testing/loopback_session.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

void RoundTrip(LoopbackSession& session) {
  const std::string message(1024, 'x');
  const size_t received_by_core = session.core().received().size();
  session.ue().Send(message);
  session.RunUntil(
      [&] { return session.core().received().size() == received_by_core + message.size(); });
  const size_t received_by_ue = session.ue().received().size();
  session.core().Send(message);
  session.RunUntil(
      [&] { return session.ue().received().size() == received_by_ue + message.size(); });
}

void RunSession(int round_trip_count) {
  LoopbackSession session(/*tls=*/true);
  session.Open();
  for (int i = 0; i < round_trip_count; ++i) RoundTrip(session);
  session.Release(absl::nullopt);
}

}  // namespace
}  // namespace agw

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "counted_work SESSIONS ROUND_TRIPS\n");
    return 2;
  }
  testing::GTEST_FLAG(throw_on_failure) = true;
  testing::InitGoogleTest(&argc, argv);
  const int session_count = std::atoi(argv[1]);
  const int round_trip_count = std::atoi(argv[2]);
  for (int i = 0; i < session_count; ++i) agw::RunSession(i == 0 ? round_trip_count : 0);
  return 0;
}
