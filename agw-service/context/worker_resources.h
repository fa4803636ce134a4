// What the contexts of one worker share.

#ifndef AGW_SERVICE_CONTEXT_WORKER_RESOURCES_H_
#define AGW_SERVICE_CONTEXT_WORKER_RESOURCES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/event.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"
#include "common/remote_address_guard.h"

namespace agw {

// Bounds and defaults from the configuration. Immutable.
struct ContextLimits {
  SetupTimers setup_timers;

  // Connections a termination takes until one passes TLS.
  uint32_t attempt_limit = 3;

  // How long a stream of which one direction has ended may be silent.
  absl::Duration half_close_time = absl::Minutes(5);

  // How long a context without a connection and without a call that names it is kept.
  absl::Duration hold_time = absl::Minutes(5);

  // Take fingerprints of which sha-1 is the strongest hash function.
  bool allow_sha1_fingerprints = false;

  // Octets of one handshake message.
  size_t handshake_message_limit = 16 * 1024;
};

// Octets of the application since the worker began, by the side they came in from.
struct ByteCounters {
  uint64_t received_from_access = 0;
  uint64_t received_from_core = 0;
};

// Lives on one worker; what it refers to outlives it.
struct WorkerResources {
  EventLoop& loop;
  Scratch& scratch;
  TlsProfile& tls_profile;
  const RealmTable& realms;
  const std::vector<common::OwnAddressRange>& own_addresses;
  const ContextLimits& limits;
  const EventSink& event_sink;

  // For new terminations; older ones keep theirs.
  std::shared_ptr<const TlsIdentity> identity;

  ByteCounters byte_counters;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_WORKER_RESOURCES_H_
