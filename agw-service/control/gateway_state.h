// What the parts of control/ know of the IMS-AGW as a whole.

#ifndef AGW_SERVICE_CONTROL_GATEWAY_STATE_H_
#define AGW_SERVICE_CONTROL_GATEWAY_STATE_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/control/notification_log.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/worker/admission.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "ims/iq/v1/gateway_status.pb.h"

namespace agw {

// Thread-safe.
class GatewayState {
 public:
  // What is referred to outlives this.
  GatewayState(std::string instance_id, std::string incarnation, uint32_t worker_count,
               const RealmTable& realms, Admission& admission, NotificationLog& log)
      : instance_id_(std::move(instance_id)),
        incarnation_(std::move(incarnation)),
        worker_count_(worker_count),
        realms_(realms),
        admission_(admission),
        log_(log) {}

  const std::string& incarnation() const { return incarnation_; }

  // The certificate that new terminations present in `realm`; with an empty name, in realms that have
  // none of their own. One that takes the place of another is notified.
  void SetIdentity(const std::string& realm, std::shared_ptr<const TlsIdentity> identity);

  // When the first of the certificates in use ends.
  absl::Time FirstCertificateEnd() const;

  // Takes no new contexts any more. Notified, unless it is so already.
  void Drain();

  // Takes them again; notified likewise. `kFailedPrecondition` (STOPPING) after `Stop()`.
  absl::Status Undrain();

  // Drains for good, since the process is about to end.
  void Stop();

  bool draining() const { return admission_.draining(); }

  ims::iq::v1::GatewayStatus Status() const;

 private:
  struct CertificateInUse {
    std::shared_ptr<const TlsIdentity> identity;
    absl::Time since;
  };

  const std::string instance_id_;
  const std::string incarnation_;
  const uint32_t worker_count_;
  const RealmTable& realms_;
  Admission& admission_;
  NotificationLog& log_;

  void DrainLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable common::Mutex mutex_;
  absl::optional<common::MonotonicTime> draining_since_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::btree_map<std::string, CertificateInUse> certificates_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_GATEWAY_STATE_H_
