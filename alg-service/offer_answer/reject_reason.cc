#include "alg-service/offer_answer/reject_reason.h"

namespace alg {

absl::string_view ToString(RejectReason reason) {
  switch (reason) {
    case RejectReason::kPathMissing:
      return "PATH_MISSING";
    case RejectReason::kPathInvalid:
      return "PATH_INVALID";
    case RejectReason::kFormatInvalid:
      return "FORMAT_INVALID";
    case RejectReason::kConnectionMissing:
      return "CONNECTION_MISSING";
    case RejectReason::kAddressInvalid:
      return "ADDRESS_INVALID";
    case RejectReason::kSetupInvalid:
      return "SETUP_INVALID";
    case RejectReason::kSetupIllegal:
      return "SETUP_ILLEGAL";
    case RejectReason::kPortInvalid:
      return "PORT_INVALID";
    case RejectReason::kFingerprintMissing:
      return "FINGERPRINT_MISSING";
    case RejectReason::kFingerprintInvalid:
      return "FINGERPRINT_INVALID";
    case RejectReason::kFingerprintDeprecated:
      return "FINGERPRINT_DEPRECATED";
    case RejectReason::kFingerprintWeak:
      return "FINGERPRINT_WEAK";
    case RejectReason::kFingerprintUnknown:
      return "FINGERPRINT_UNKNOWN";
    case RejectReason::kFingerprintReflected:
      return "FINGERPRINT_REFLECTED";
    case RejectReason::kTransportDowngraded:
      return "TRANSPORT_DOWNGRADED";
    case RejectReason::kRemoteAddressForbidden:
      return "REMOTE_ADDRESS_FORBIDDEN";
    case RejectReason::kApplicationAwareUnavailable:
      return "APPLICATION_AWARE_UNAVAILABLE";
    case RejectReason::kE2aeNotIndicated:
      return "E2AE_NOT_INDICATED";
    case RejectReason::kTransportUnsupported:
      return "TRANSPORT_UNSUPPORTED";
    case RejectReason::kMediaMismatch:
      return "MEDIA_MISMATCH";
  }
  return "UNSPECIFIED";
}

}  // namespace alg
