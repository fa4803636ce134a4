#include "agw-service/realm_certificates.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/config_file.h"
#include "common/read_file.h"
#include "common/status_macros.h"

namespace agw {

absl::StatusOr<RealmCertificates> RealmCertificates::Read(const ims::config::v1::AgwConfig& config,
                                                          absl::Time now) {
  RealmCertificates certificates;
  common::ConfigErrors errors;
  for (int i = 0; i < config.realms_size(); ++i) {
    const ims::config::v1::RealmConfig& realm = config.realms(i);
    if (!realm.has_certificate()) continue;
    Source source{.realm = realm.name(),
                  .certificate_file = realm.certificate().certificate_file(),
                  .key_file = realm.certificate().key_file()};
    source.content = source.in_use = ReadFiles(source);
    const std::string path = absl::StrCat("realms[", i, "].certificate");
    if (!source.content.certificates.ok()) {
      errors.Add(path + ".certificate_file", source.content.certificates.status().message());
    }
    if (!source.content.key.ok()) {
      errors.Add(path + ".key_file", source.content.key.status().message());
    }
    if (!source.content.certificates.ok() || !source.content.key.ok()) continue;
    absl::StatusOr<std::shared_ptr<const TlsIdentity>> identity = MakeIdentity(source.content, now);
    if (identity.ok()) {
      certificates.identities_.emplace(realm.name(), *std::move(identity));
    } else {
      errors.Add(path, identity.status().message());
    }
    certificates.sources_.push_back(std::move(source));
  }
  RETURN_IF_ERROR(errors.ToStatus("configuration"));
  return certificates;
}

RealmCertificates::Content RealmCertificates::ReadFiles(const Source& source) {
  return {common::ReadFile(source.certificate_file), common::ReadFile(source.key_file)};
}

absl::StatusOr<std::shared_ptr<const TlsIdentity>> RealmCertificates::MakeIdentity(
    const Content& content, absl::Time now) {
  RETURN_IF_ERROR(content.certificates.status());
  RETURN_IF_ERROR(content.key.status());
  ASSIGN_OR_RETURN(std::shared_ptr<const TlsIdentity> identity,
                   TlsIdentity::FromPem(*content.certificates, *content.key));
  if (identity->not_after() <= now) {
    return absl::InvalidArgumentError("the certificate has expired");
  }
  return identity;
}

std::vector<RealmCertificates::Change> RealmCertificates::Look(absl::Time now) {
  std::vector<Change> changes;
  for (Source& source : sources_) {
    Content content = ReadFiles(source);
    const bool is_same = content == source.content;
    if (is_same && !source.is_pending) continue;
    source.content = std::move(content);
    std::shared_ptr<const TlsIdentity>& in_use = identities_[source.realm];
    if (source.content == source.in_use) {
      // What is put back before anybody was told that it was gone, is no news.
      if (!std::exchange(source.is_pending, false)) changes.push_back({source.realm, in_use});
      continue;
    }
    absl::StatusOr<std::shared_ptr<const TlsIdentity>> identity = MakeIdentity(source.content, now);
    source.is_pending = !identity.ok() && !is_same;
    if (source.is_pending) continue;
    if (identity.ok()) {
      in_use = *identity;
      source.in_use = source.content;
    }
    changes.push_back({source.realm, std::move(identity)});
  }
  return changes;
}

}  // namespace agw
