// The service: makes the parts and introduces them to each other.

#ifndef AGW_SERVICE_SERVER_H_
#define AGW_SERVICE_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ims/config/v1/agw_config.pb.h"

namespace agw {

// Serves from `Start()` on. Thread-safe.
class Server {
 public:
  // `config` may lack what has a default. `kInvalidArgument`: all that is wrong with it.
  // `kUnavailable`: an address that cannot be listened on. `kPermissionDenied`: no SYN gate (see
  // net/syn_gate.h).
  static absl::StatusOr<std::unique_ptr<Server>> Start(ims::config::v1::AgwConfig config);

  // Stops in order: Iq first, so that nobody waits for an answer; then the workers, with all
  // contexts; what calls under way still notify is logged and counted; the HTTP endpoint last.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Ports in use, where the configuration says 0.
  int iq_port() const;
  int http_port() const;

  // Takes no new contexts any more, whatever Iq asks for, since the process is about to end; /readyz
  // says so.
  void DrainToStop();

  // After `drain_time()`: closes the contexts that are left, evenly one after the other over
  // `drain_close_time()`, each connection with its event.
  void CloseContexts();

  // Contexts left, for those who wait for the drain to end.
  uint32_t context_count() const;

  // As configured.
  absl::Duration drain_time() const;
  absl::Duration drain_close_time() const;

 private:
  class Parts;

  explicit Server(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace agw

#endif  // AGW_SERVICE_SERVER_H_
