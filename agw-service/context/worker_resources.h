// What the contexts of one worker share.

#ifndef AGW_SERVICE_CONTEXT_WORKER_RESOURCES_H_
#define AGW_SERVICE_CONTEXT_WORKER_RESOURCES_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/context/buffered_bytes.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/draining_sockets.h"
#include "agw-service/context/event.h"
#include "agw-service/context/handshake_queue.h"
#include "agw-service/context/shortage_reporter.h"
#include "agw-service/context/syn_drop_watch.h"
#include "agw-service/msrp/msrp_counters.h"
#include "agw-service/msrp/msrp_transformer.h"
#include "agw-service/net/descriptor_budget.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/socket.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/tls/tls_identities.h"
#include "agw-service/tls/tls_profile.h"
#include "common/remote_address_guard.h"

namespace agw {

// Bounds and defaults from the configuration. Immutable.
struct ContextLimits {
  SetupTimers setup_timers;

  // Connections a termination takes until one passes TLS.
  uint32_t attempt_limit = 3;

  // How long a media stream of which one direction has ended may stand still.
  absl::Duration half_close_time = absl::Minutes(5);

  // Of every established connection.
  PeerLossTimes peer_loss_times;

  // How long a context without a connection and without a call that names it is kept.
  absl::Duration hold_time = absl::Minutes(5);

  // Take fingerprints of which sha-1 is the strongest hash function.
  bool allow_sha1_fingerprints = false;

  // Octets of one handshake message.
  size_t handshake_message_limit = 16 * 1024;

  // Events and calls that a context remembers.
  uint32_t history_limit = 32;

  // Of each worker: handshakes under way at the same time, and octets kept for slow peers.
  uint32_t handshake_limit = 2000;
  uint64_t buffered_byte_limit = 256 << 20;
};

// File descriptors that a termination may have open at the same time: a listener and a connection.
inline constexpr uint32_t kDescriptorsPerTermination = 2;

// What a worker counts for the metrics, since it was handed over last.
struct WorkerCounters {
  // Octets of the application, by the side they came in from.
  uint64_t received_from_access = 0;
  uint64_t received_from_core = 0;

  // By the gates of its terminations.
  uint64_t dropped_syns = 0;

  // Connections that were reset because their peer may not connect, or not any more.
  uint64_t refused_connections = 0;

  // Of application-aware streams, by the side messages came in from.
  MsrpCounters msrp_from_access;
  MsrpCounters msrp_from_core;

  // By how much these have changed: handshakes under way, connections that wait for one to be over, and
  // octets kept for slow peers.
  int64_t handshakes = 0;
  int64_t waiting_handshakes = 0;
  int64_t buffered_bytes = 0;

  friend bool operator==(const WorkerCounters&, const WorkerCounters&) = default;
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
  DescriptorBudget& descriptors;

  // Of new terminations; older ones keep theirs.
  TlsIdentities identities;

  WorkerCounters counters;
  MsrpScratch msrp_scratch = {};

  // The last revision given to the controller state of any context. A context that is created anew
  // comes to the same worker, so what was known of the old one never fits it by chance.
  uint64_t last_controller_state_revision = 0;

  HandshakeQueue handshake_queue{loop, limits.handshake_limit};
  BufferedBytes buffered_bytes{loop, limits.buffered_byte_limit};
  ShortageReporter shortage_reporter{loop, event_sink};
  DrainingSockets draining_sockets{loop, scratch, descriptors};

  SynDropWatch syn_drop_watch{loop, [this](uint64_t count) { counters.dropped_syns += count; }};
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_WORKER_RESOURCES_H_
