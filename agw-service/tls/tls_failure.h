// Why a TLS handshake did not succeed.

#ifndef AGW_SERVICE_TLS_TLS_FAILURE_H_
#define AGW_SERVICE_TLS_TLS_FAILURE_H_

#include <cstdint>

namespace agw {

enum class TlsFailure : uint8_t {
  kNotTls,               // The peer sent something that is no TLS record.
  kProtocolVersion,      // No version in common: the peer has only 1.1 or older.
  kNoCommonCipher,       // No cipher suite, group or signature algorithm in common.
  kNoCertificate,        // The peer presented none.
  kCertificateRefused,   // Its key or curve is none that the profile takes.
  kBadSignature,         // It does not own the key of the certificate it presented.
  kFingerprintMismatch,  // Its certificate is not the one that signalling announced.
  kAlertReceived,        // The peer gave up with an alert.
  kClosedByPeer,         // FIN or RST amid the handshake.
  kTimedOut,             // It took longer than its owner was willing to wait.
  kProtocolError,        // Anything else the peer did wrong.
  kHandshakeTooLarge,    // A handshake message over the limit.
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TLS_FAILURE_H_
