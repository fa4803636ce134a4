// Which IMS-AGWs there are, and what is known of them.

#ifndef ALG_SERVICE_GATEWAY_GATEWAY_DIRECTORY_H_
#define ALG_SERVICE_GATEWAY_GATEWAY_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "alg-service/gateway/media_gateway.h"
#include "common/remote_address_guard.h"

namespace alg {

// The id and the incarnation of an IMS-AGW become part of session ids, so both must fit there: 1 to
// 80 letters, digits, '-', '_', '.' and ':'.
bool IsUsableGatewayName(absl::string_view name);

// An IMS-AGW as its last status told it. Immutable.
struct GatewayInfo {
  std::string instance_id;
  std::string incarnation;
  bool draining = false;

  // Part of its capacity in use, 0 to 1.
  double load = 0;

  // What it gives to its own terminations: no peer may be there.
  std::vector<common::OwnAddressRange> own_addresses = {};

  // Its sessions, whoever controls them.
  uint32_t context_count = 0;
};

// An IMS-AGW with the way to it. A value; keeps the connection alive.
struct Gateway {
  std::shared_ptr<const GatewayInfo> info;
  std::shared_ptr<MediaGateway> media_gateway;
};

// Thread-safe.
class GatewayDirectory {
 public:
  virtual ~GatewayDirectory() = default;

  // The IMS-AGWs that new sessions can be given to: those whose status comes as often as it should.
  // Draining ones are included. In no particular order, each instance once.
  virtual std::vector<Gateway> Reachable() const = 0;

  // The IMS-AGW of that id, in that run of it (`incarnation`). Three cases are told apart:
  //
  // * It is there: the gateway, which may be one that does not answer after all.
  // * `kUnavailable`: nobody knows. It has not been heard of for a while, or not yet. Its contexts
  //   may live: repeat the call later.
  // * `kNotFound`: it is lost, and its contexts with it: it has been restarted, nobody listens at
  //   its address any more, or it has been silent for too long. Nothing is left to release there.
  virtual absl::StatusOr<Gateway> Find(absl::string_view instance_id,
                                       absl::string_view incarnation) const = 0;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_GATEWAY_DIRECTORY_H_
