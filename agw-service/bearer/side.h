// The two sides of a media stream.

#ifndef AGW_SERVICE_BEARER_SIDE_H_
#define AGW_SERVICE_BEARER_SIDE_H_

#include "absl/strings/string_view.h"

namespace agw {

enum class Side { kAccess, kCore };  // T1, towards the UE; T2, towards the IMS core network.

inline Side Opposite(Side side) { return side == Side::kAccess ? Side::kCore : Side::kAccess; }

// For logs and metrics.
inline absl::string_view SideName(Side side) { return side == Side::kAccess ? "access" : "core"; }

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_SIDE_H_
