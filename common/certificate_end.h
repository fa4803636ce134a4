// When a certificate ends, for metrics. Of the certificates of gRPC, which shows nobody what it has read.

#ifndef COMMON_CERTIFICATE_END_H_
#define COMMON_CERTIFICATE_END_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace common {

// When the first certificate in `pem` ends. `kInvalidArgument`: there is none.
absl::StatusOr<absl::Time> CertificateEnd(absl::string_view pem);

}  // namespace common

#endif  // COMMON_CERTIFICATE_END_H_
