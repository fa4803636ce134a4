// What an IMS-AGW tells of a session, as network functions see it. Pure.

#ifndef ALG_SERVICE_SESSION_SESSION_VIEW_H_
#define ALG_SERVICE_SESSION_SESSION_VIEW_H_

#include <vector>

#include "ims/alg/v1/session.pb.h"
#include "ims/alg/v1/session_record.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace alg {

// Session id and IMS-AGW are the caller's to set.
ims::alg::v1::Session ToSession(const ims::iq::v1::AuditContextResponse& audit,
                                const ims::alg::v1::SessionRecord& record);

// The streams of a release, in order. A release tells counts and durations, no addresses.
std::vector<ims::alg::v1::Stream> ToStreams(const ims::iq::v1::ReleaseTerminationResponse& release);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_VIEW_H_
