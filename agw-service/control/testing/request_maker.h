// Iq requests from the octets of a fuzzer.
//
// A request begins as one that makes sense; the octets then change fields of it, none, one or
// several, whatever the fields are: they are found by reflection, so one that Iq gets tomorrow is
// tried tomorrow.

#ifndef AGW_SERVICE_CONTROL_TESTING_REQUEST_MAKER_H_
#define AGW_SERVICE_CONTROL_TESTING_REQUEST_MAKER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace agw {

// Reads octets. Behind their end everything is zero.
class OctetReader {
 public:
  explicit OctetReader(absl::string_view octets) : octets_(octets) {}

  bool AtEnd() const { return octets_.empty(); }
  uint8_t Octet() {
    if (octets_.empty()) return 0;
    const auto octet = static_cast<uint8_t>(octets_.front());
    octets_.remove_prefix(1);
    return octet;
  }
  // One of `count` values; `count` is not zero.
  size_t Choice(size_t count) { return Octet() % count; }
  bool Flag() { return Choice(2) == 1; }

 private:
  absl::string_view octets_;
};

// Where peers listen, that requests may name them.
struct KnownPeers {
  ims::iq::v1::TransportAddress ue;    // A TLS server.
  ims::iq::v1::TransportAddress core;  // Plain.
};

class RequestMaker {
 public:
  // `reader` outlives the maker.
  RequestMaker(OctetReader& reader, const KnownPeers& peers) : reader_(reader), peers_(peers) {}

  ims::iq::v1::TerminationId Termination();
  ims::iq::v1::ReserveConnectionPointRequest Reserve();
  ims::iq::v1::ReserveAndConfigureConnectionPointRequest ReserveAndConfigure();
  ims::iq::v1::ConfigureConnectionPointRequest Configure();
  ims::iq::v1::ReleaseTerminationRequest Release();

  // The parts of a session as an IMS-ALG makes it for a UE that is active.
  ims::iq::v1::ReserveConnectionPointRequest SessionAccess(const std::string& context_id,
                                                           uint32_t stream_id, bool tls, bool msrp);
  ims::iq::v1::ReserveAndConfigureConnectionPointRequest SessionCore(const std::string& context_id,
                                                                     uint32_t stream_id, bool msrp);
  ims::iq::v1::ConfigureConnectionPointRequest SessionAnswer(const std::string& context_id,
                                                             uint32_t stream_id, bool tls,
                                                             bool msrp);

 private:
  std::string NewTransaction();
  void SetRemote(ims::iq::v1::Side side, ims::iq::v1::RemoteDescriptor* remote);
  void SetControl(ims::iq::v1::Side side, bool orders, ims::iq::v1::BearerControl* control);

  // Changes fields of the message, as many as the octets say.
  void Mutate(google::protobuf::Message& message);
  void MutateOne(google::protobuf::Message& message);
  void SetField(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                bool add);
  std::string Text(const google::protobuf::FieldDescriptor& field);
  uint64_t Number(const google::protobuf::FieldDescriptor& field);

  OctetReader& reader_;
  const KnownPeers& peers_;
  int transaction_count_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_TESTING_REQUEST_MAKER_H_
