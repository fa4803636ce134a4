// SessionDescription to text.

#ifndef ALG_SERVICE_SDP_WRITER_H_
#define ALG_SERVICE_SDP_WRITER_H_

#include <string>

#include "alg-service/sdp/session_description.h"

namespace alg {

// Every line as it is, each with CRLF behind it.
std::string WriteSessionDescription(const SessionDescription& description);

}  // namespace alg

#endif  // ALG_SERVICE_SDP_WRITER_H_
