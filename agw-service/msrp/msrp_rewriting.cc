#include "agw-service/msrp/msrp_rewriting.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "agw-service/msrp/msrp_uri.h"
#include "common/status_macros.h"

namespace agw {
namespace {

// The URI of the peer itself.
absl::StatusOr<MsrpUri> PeerUri(const std::vector<std::string>& path) {
  if (path.empty()) return absl::InvalidArgumentError("MSRP path: no URI");
  size_t size = path.size() - 1;
  for (const std::string& uri : path) {
    RETURN_IF_ERROR(MsrpUri::Parse(uri).status());
    size += uri.size();
  }
  if (size > kMsrpPathLimit) return absl::InvalidArgumentError("MSRP path: too long");
  return MsrpUri::Parse(path.back());
}

}  // namespace

absl::StatusOr<MsrpRewriting> MsrpRewriting::Create(const MsrpSide& source, const MsrpSide& sink) {
  ASSIGN_OR_RETURN(const MsrpUri source_peer, PeerUri(source.peer_path));
  ASSIGN_OR_RETURN(const MsrpUri sink_peer, PeerUri(sink.peer_path));
  MsrpRewriting rewriting;
  rewriting.our_uri_ = sink_peer.MovedTo(source.tls, source.termination);
  rewriting.to_path_ = absl::StrJoin(sink.peer_path, " ");
  rewriting.from_path_ = source_peer.MovedTo(sink.tls, sink.termination);
  return rewriting;
}

bool MsrpRewriting::NamesUs(absl::string_view to_path) const {
  if (to_path == our_uri_) return true;
  const absl::StatusOr<MsrpUri> named = MsrpUri::Parse(to_path);
  if (!named.ok()) return false;
  const absl::StatusOr<MsrpUri> ours = MsrpUri::Parse(our_uri_);
  return ours.ok() && named->Matches(*ours);
}

}  // namespace agw
