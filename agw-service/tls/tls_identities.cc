#include "agw-service/tls/tls_identities.h"

#include <algorithm>

namespace agw {

void TlsIdentities::Set(absl::string_view realm, std::shared_ptr<const TlsIdentity> identity) {
  older_.erase(std::remove_if(older_.begin(), older_.end(),
                              [](const auto& older) { return older.expired(); }),
               older_.end());
  std::shared_ptr<const TlsIdentity>& current =
      realm.empty() ? common_ : of_realms_[std::string(realm)];
  if (current != nullptr) older_.push_back(current);
  current = std::move(identity);
}

const std::shared_ptr<const TlsIdentity>& TlsIdentities::Of(absl::string_view realm) const {
  const auto own = of_realms_.find(realm);
  return own != of_realms_.end() ? own->second : common_;
}

bool TlsIdentities::Has(const Fingerprint& fingerprint) const {
  if (common_->Has(fingerprint)) return true;
  for (const auto& [realm, identity] : of_realms_) {
    if (identity->Has(fingerprint)) return true;
  }
  for (const std::weak_ptr<const TlsIdentity>& older : older_) {
    const std::shared_ptr<const TlsIdentity> identity = older.lock();
    if (identity != nullptr && identity->Has(fingerprint)) return true;
  }
  return false;
}

}  // namespace agw
