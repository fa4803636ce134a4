// Which certificate a new termination presents, and which ones are ours.

#ifndef AGW_SERVICE_TLS_TLS_IDENTITIES_H_
#define AGW_SERVICE_TLS_TLS_IDENTITIES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "agw-service/tls/fingerprint.h"
#include "agw-service/tls/tls_identity.h"

namespace agw {

// Those of realms that have one of their own, by the realm's name.
using RealmIdentities = absl::flat_hash_map<std::string, std::shared_ptr<const TlsIdentity>>;

// The certificates in use at a time. Each worker has a copy, which it changes between its tasks:
// terminations keep what they have announced, and so no lock is needed.
class TlsIdentities {
 public:
  // `common` is for realms that have none of their own.
  explicit TlsIdentities(std::shared_ptr<const TlsIdentity> common,
                         RealmIdentities of_realms = RealmIdentities())
      : common_(std::move(common)), of_realms_(std::move(of_realms)) {}

  // From now on new terminations in `realm` present `identity`; with an empty name those in realms
  // that have none of their own.
  void Set(absl::string_view realm, std::shared_ptr<const TlsIdentity> identity);

  // What a new termination in `realm` presents.
  const std::shared_ptr<const TlsIdentity>& Of(absl::string_view realm) const;

  // Whether `fingerprint`, by whatever hash function, is that of a certificate of ours: one in use
  // in any realm, or an older one that some termination may still present. A peer which says so has
  // no key of its own: it would lead one of our terminations to another one.
  bool Has(const Fingerprint& fingerprint) const;

 private:
  std::shared_ptr<const TlsIdentity> common_;
  RealmIdentities of_realms_;
  std::vector<std::weak_ptr<const TlsIdentity>> older_;  // They go with their last termination.
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TLS_IDENTITIES_H_
