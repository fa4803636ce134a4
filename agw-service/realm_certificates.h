// The certificates that realms have of their own: the operator's files, read at start and again when
// they change.

#ifndef AGW_SERVICE_REALM_CERTIFICATES_H_
#define AGW_SERVICE_REALM_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agw-service/tls/tls_identities.h"
#include "agw-service/tls/tls_identity.h"
#include "ims/config/v1/agw_config.pb.h"

namespace agw {

// Used from one thread at a time.
class RealmCertificates {
 public:
  // Reads all of them. `kInvalidArgument` names the fields and what is wrong with the files.
  static absl::StatusOr<RealmCertificates> Read(const ims::config::v1::AgwConfig& config,
                                                absl::Time now);

  // Those in use, by realm.
  const RealmIdentities& identities() const { return identities_; }

  // What `Look()` has found: what is in use from now on, or why the files are of no use, in which
  // case what was in use stays. It is the old one too when files were put back.
  struct Change {
    std::string realm;
    absl::StatusOr<std::shared_ptr<const TlsIdentity>> identity;
  };

  // Reads the files again, which takes far less than a millisecond, and tells what has changed since
  // the last time. Files that are of no use are told of once, and only when they were the same at two
  // looks: between them, a certificate and its key may have been exchanged one after the other.
  std::vector<Change> Look(absl::Time now);

 private:
  // What files hold, or why they cannot be read.
  struct Content {
    absl::StatusOr<std::string> certificates;
    absl::StatusOr<std::string> key;

    friend bool operator==(const Content& a, const Content& b) {
      return a.certificates == b.certificates && a.key == b.key;
    }
  };

  struct Source {
    std::string realm;
    std::string certificate_file;
    std::string key_file;
    Content content = {"", ""};  // As at the last look.
    Content in_use = {"", ""};   // What the identity was made of.
    bool is_pending = false;     // `content` is of no use, which nobody was told of yet.
  };

  static Content ReadFiles(const Source& source);
  static absl::StatusOr<std::shared_ptr<const TlsIdentity>> MakeIdentity(const Content& content,
                                                                         absl::Time now);

  std::vector<Source> sources_;
  RealmIdentities identities_;
};

}  // namespace agw

#endif  // AGW_SERVICE_REALM_CERTIFICATES_H_
