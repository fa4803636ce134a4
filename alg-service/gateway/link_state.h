// What the connection to one address tells of the IMS-AGW behind it.

#ifndef ALG_SERVICE_GATEWAY_LINK_STATE_H_
#define ALG_SERVICE_GATEWAY_LINK_STATE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "alg-service/gateway/gateway_directory.h"
#include "common/monotonic_time.h"

namespace alg {

// How much an address tells, the most first.
enum class Contact {
  kUp,           // The status comes as often as it should.
  kInterrupted,  // The stream has ended; no more is known yet.
  kSilent,       // No status for two intervals.
  kRefused,      // Nobody listens there any more.
};

// A value.
struct LinkState {
  std::string address;
  std::shared_ptr<MediaGateway> media_gateway;

  // Of the last status; null until the first one has come. `contact` says nothing until then.
  std::shared_ptr<const GatewayInfo> info;
  Contact contact = Contact::kInterrupted;

  // Of the newest notification at the first status of this incarnation.
  uint64_t first_sequence_number = 0;

  // When the last status came, or else when the link was made.
  common::MonotonicTime last_heard;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_LINK_STATE_H_
