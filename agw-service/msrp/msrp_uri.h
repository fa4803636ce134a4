// MSRP URIs (RFC 4975 clauses 6 and 9).

#ifndef AGW_SERVICE_MSRP_MSRP_URI_H_
#define AGW_SERVICE_MSRP_MSRP_URI_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ip_address.h"

namespace agw {

// A value whose parts lie in the text it was parsed from, which must outlive it. Thread-compatible.
//
//   msrp-scheme "://" [userinfo "@"] host [":" port] ["/" session-id] ";" transport
//     *( ";" URI-parameter )
class MsrpUri {
 public:
  // `kInvalidArgument` for what does not follow the grammar: an IPv6 host stands in brackets, a
  // port is 1 to 65535, a numeric host has one (clause 6).
  static absl::StatusOr<MsrpUri> Parse(absl::string_view text);

  bool is_msrps() const { return is_msrps_; }
  absl::string_view userinfo() const { return userinfo_; }      // Empty if there is none.
  absl::string_view host() const { return host_; }              // Without brackets.
  uint16_t port() const { return port_; }                       // 0 if there is none.
  absl::string_view session_id() const { return session_id_; }  // Empty if there is none.
  absl::string_view transport() const { return transport_; }

  // Whether both name the same (clause 6.1): scheme, host and transport in any case, IP addresses
  // by their value, port and session-id exactly. Userinfo and parameters do not matter.
  bool Matches(const MsrpUri& other) const;

  // This URI as the IMS-AGW shows it to the other side: with the scheme and the authority of a
  // termination, without userinfo, and otherwise as it is.
  std::string MovedTo(bool tls, const common::TransportAddress& authority) const;

 private:
  bool is_msrps_ = false;
  absl::string_view userinfo_;
  absl::string_view host_;
  uint16_t port_ = 0;
  absl::string_view session_id_;
  absl::string_view transport_;
  absl::string_view behind_authority_;
};

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_MSRP_URI_H_
