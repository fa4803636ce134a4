#include "alg-service/offer_answer/remote_fingerprints.h"

#include <algorithm>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace alg {
namespace {

constexpr absl::string_view kAttribute = "fingerprint";

}  // namespace

absl::variant<std::vector<Fingerprint>, Rejection> ReadRemoteFingerprints(
    const SessionDescription& answer, const Section& media, absl::Span<const Fingerprint> own,
    bool allow_sha1) {
  std::vector<absl::string_view> values = media.Attributes(kAttribute);
  if (values.empty()) values = answer.session.Attributes(kAttribute);
  if (values.empty()) {
    return Rejection{RejectReason::kFingerprintMissing, "no \"a=fingerprint\""};
  }

  std::vector<Fingerprint> usable;
  bool has_unknown = false;
  bool has_strong = false;
  for (absl::string_view value : values) {
    const absl::optional<Fingerprint> fingerprint = ParseFingerprint(value);
    if (!fingerprint.has_value()) {
      return Rejection{RejectReason::kFingerprintInvalid, "a broken \"a=fingerprint\""};
    }
    if (std::find(own.begin(), own.end(), *fingerprint) != own.end()) {
      return Rejection{RejectReason::kFingerprintReflected,
                       "a fingerprint of the IMS-AGW's own certificate"};
    }
    const std::string& hash_function = fingerprint->hash_function;
    if (hash_function == "md2" || hash_function == "md5") continue;
    if (!DigestSize(hash_function).has_value()) {
      has_unknown = true;
      continue;
    }
    if (hash_function != "sha-1") has_strong = true;
    usable.push_back(*fingerprint);
  }

  if (usable.empty()) {
    if (has_unknown) {
      return Rejection{RejectReason::kFingerprintUnknown, "no hash function that is known"};
    }
    return Rejection{RejectReason::kFingerprintDeprecated, "only md2 or md5, which prove nothing"};
  }
  if (!has_strong && !allow_sha1) {
    return Rejection{RejectReason::kFingerprintWeak, "nothing better than sha-1"};
  }
  return usable;
}

}  // namespace alg
