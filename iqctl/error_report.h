// Errors as operators read them: what failed, the typed reason, the remedy.

#ifndef IQCTL_ERROR_REPORT_H_
#define IQCTL_ERROR_REPORT_H_

#include <string>

#include "absl/status/status.h"

namespace iqctl {

// Lines for standard error, of which the first begins with "iqctl: ".
std::string ErrorReport(const absl::Status& error);

// What to do about it; "" if the message has said it.
std::string RemedyFor(const absl::Status& error);

}  // namespace iqctl

#endif  // IQCTL_ERROR_REPORT_H_
