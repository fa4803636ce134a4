// The two sides of a media stream.

#ifndef AGW_SERVICE_BEARER_SIDE_H_
#define AGW_SERVICE_BEARER_SIDE_H_

namespace agw {

enum class Side { kAccess, kCore };  // T1, towards the UE; T2, towards the IMS core network.

inline Side Opposite(Side side) { return side == Side::kAccess ? Side::kCore : Side::kAccess; }

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_SIDE_H_
