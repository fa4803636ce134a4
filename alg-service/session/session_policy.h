// Decisions of the operator about sessions.

#ifndef ALG_SERVICE_SESSION_SESSION_POLICY_H_
#define ALG_SERVICE_SESSION_SESSION_POLICY_H_

#include <string>

#include "absl/time/time.h"
#include "ims/alg/v1/session.pb.h"

namespace alg {

// Immutable.
struct SessionPolicy {
  // For requests that leave it open. Never UNSPECIFIED.
  ims::alg::v1::CoreConnect core_connect = ims::alg::v1::CORE_CONNECT_TRIGGERED;
  ims::alg::v1::EarlySyn early_syn = ims::alg::v1::EARLY_SYN_DROP;

  // Take fingerprints of hash function sha-1 (R-SEC-14).
  bool allow_sha1_fingerprints = false;

  // How long an IMS-AGW may take over a reservation before another one is asked, if there is one.
  absl::Duration attempt_timeout = absl::Milliseconds(200);

  // Realms to ask for; empty: the IMS-AGW's default of the side.
  std::string access_realm = "";
  std::string core_realm = "";
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_POLICY_H_
