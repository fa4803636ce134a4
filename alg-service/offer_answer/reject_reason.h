// Why an m-line, or a whole description, is rejected.

#ifndef ALG_SERVICE_OFFER_ANSWER_REJECT_REASON_H_
#define ALG_SERVICE_OFFER_ANSWER_REJECT_REASON_H_

#include <string>

#include "absl/strings/string_view.h"

namespace alg {

// `kPathMissing` is ims.alg.v1.REJECT_REASON_PATH_MISSING, and so on; the meaning is written there.
enum class RejectReason {
  kPathMissing,
  kPathInvalid,
  kFormatInvalid,
  kConnectionMissing,
  kAddressInvalid,
  kSetupInvalid,
  kSetupIllegal,
  kPortInvalid,
  kFingerprintMissing,
  kFingerprintInvalid,
  kFingerprintDeprecated,
  kFingerprintWeak,
  kFingerprintUnknown,
  kFingerprintReflected,
  kTransportDowngraded,
  kRemoteAddressForbidden,
  kApplicationAwareUnavailable,
  kE2aeNotIndicated,
  kTransportUnsupported,
  kMediaMismatch,
};

// "PATH_MISSING"; with the prefix "REJECT_REASON_" the name in the proto.
absl::string_view ToString(RejectReason reason);

// A reason and words for people.
struct Rejection {
  RejectReason reason;
  std::string detail;
};

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_REJECT_REASON_H_
