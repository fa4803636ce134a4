#include "agw-service/control/testing/request_maker.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "agw-service/control/testing/iq_worker.h"
#include "agw-service/control/testing/test_peer.h"
#include "google/protobuf/descriptor.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kContextCount = 3;
constexpr uint32_t kStreamCount = 2;
constexpr size_t kMutationLimit = 4;
constexpr char kPath[] = "msrps://peer.example:2855/abc;tcp";

iq::Fingerprint FingerprintOf(const TestCertificate& certificate, HashFunction hash_function) {
  const Fingerprint fingerprint = certificate.FingerprintBy(hash_function);
  iq::Fingerprint proto;
  proto.set_hash_function(std::string(HashFunctionName(hash_function)));
  proto.set_digest(std::string(fingerprint.digest()));
  return proto;
}

iq::TransportAddress Address(absl::string_view ip, uint32_t port) {
  iq::TransportAddress address;
  address.set_ip_address(std::string(ip));
  address.set_port(port);
  return address;
}

void SetLocal(bool tls, bool msrp, iq::LocalDescriptor* local) {
  if (msrp) {
    local->set_transport_protocol(tls ? iq::TRANSPORT_PROTOCOL_TCP_TLS_MSRP
                                      : iq::TRANSPORT_PROTOCOL_TCP_MSRP);
  } else {
    local->set_transport_protocol(tls ? iq::TRANSPORT_PROTOCOL_TCP_TLS
                                      : iq::TRANSPORT_PROTOCOL_TCP);
  }
  local->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  local->set_certificate_fingerprint_request(tls);
}

void SetTermination(const std::string& context_id, uint32_t stream_id, iq::Side side,
                    iq::TerminationId* out) {
  out->set_context_id(context_id);
  out->set_stream_id(stream_id);
  out->set_side(side);
}

}  // namespace

std::string RequestMaker::NewTransaction() { return absl::StrCat("t", ++transaction_count_); }

iq::TerminationId RequestMaker::Termination() {
  const size_t choice = reader_.Choice(kContextCount * kStreamCount * 2);
  iq::TerminationId id;
  SetTermination(absl::StrCat("c", 1 + choice / (kStreamCount * 2)),
                 1 + static_cast<uint32_t>(choice / 2 % kStreamCount),
                 choice % 2 == 0 ? iq::SIDE_ACCESS : iq::SIDE_CORE, &id);
  return id;
}

void RequestMaker::SetRemote(iq::Side side, iq::RemoteDescriptor* remote) {
  switch (reader_.Choice(5)) {
    case 0:
      break;
    case 1:  // An active peer.
      *remote->mutable_address() =
          Address(side == iq::SIDE_ACCESS ? IqWorker::kUe : IqWorker::kCorePeer, 9);
      break;
    case 2:
      *remote->mutable_address() = side == iq::SIDE_ACCESS ? peers_.ue : peers_.core;
      break;
    case 3:  // Nobody listens there.
      *remote->mutable_address() = Address(IqWorker::kCorePeer, 1);
      break;
    case 4:
      *remote->mutable_address() =
          Address(side == iq::SIDE_ACCESS ? IqWorker::kUeIpv6 : IqWorker::kCorePeerIpv6, 9);
      break;
  }
  switch (reader_.Choice(4)) {
    case 0:
      break;
    case 1:
      *remote->add_fingerprints() = FingerprintOf(UeCertificate(), HashFunction::kSha256);
      break;
    case 2:
      *remote->add_fingerprints() = FingerprintOf(StrangersCertificate(), HashFunction::kSha256);
      break;
    case 3:
      *remote->add_fingerprints() = FingerprintOf(StrangersCertificate(), HashFunction::kSha1);
      *remote->add_fingerprints() = FingerprintOf(UeCertificate(), HashFunction::kSha512);
      break;
  }
}

void RequestMaker::SetControl(iq::Side side, bool orders, iq::BearerControl* control) {
  const uint8_t choice = reader_.Octet();
  switch (choice / 64) {
    case 1:
      control->set_connection_request(iq::CONNECTION_REQUEST_NEW);
      break;
    case 2:
      control->set_stream_mode(static_cast<iq::StreamMode>(1 + choice % 4));
      break;
    case 3:
      if (choice % 2 == 0) {
        control->mutable_policing()->set_sustained_byte_rate(1000);
        control->mutable_policing()->set_burst_byte_count(20'000);
      } else {
        control->mutable_media_inactivity()->mutable_time()->set_seconds(10);
        control->mutable_heartbeat_interval()->set_seconds(600);
      }
      break;
    default:
      break;
  }
  switch (choice % 8) {
    case 0:
      break;
    case 1:
      control->mutable_syn_policy()->mutable_latch();
      break;
    case 2:
      control->set_tcp_role(iq::TCP_ROLE_PASSIVE);
      control->set_tls_role(iq::TLS_ROLE_SERVER);
      control->mutable_syn_policy()->mutable_accept_from();
      break;
    case 3:
      control->set_tcp_role(iq::TCP_ROLE_ACTIVE);
      if (side == iq::SIDE_ACCESS) control->set_tls_role(iq::TLS_ROLE_CLIENT);
      if (!orders) break;
      control->mutable_establish()->set_tcp_connection(true);
      control->mutable_establish()->set_tls_session(side == iq::SIDE_ACCESS);
      break;
    case 4:
      control->mutable_interlinkage()->set_topology(iq::Interlinkage::TOPOLOGY_T1_TO_T2);
      control->mutable_syn_policy()->mutable_latch();
      if (side == iq::SIDE_ACCESS) control->set_tls_role(iq::TLS_ROLE_SERVER);
      break;
    case 5:
      control->mutable_interlinkage()->set_topology(iq::Interlinkage::TOPOLOGY_T2_TO_T1);
      control->mutable_interlinkage()->set_trigger(iq::Interlinkage::TRIGGER_ON_TLS_VERIFIED);
      control->mutable_syn_policy()->mutable_latch();
      break;
    case 6:
      control->mutable_syn_policy()->mutable_drop_all();
      break;
    case 7:
      control->set_tcp_role(iq::TCP_ROLE_ACTIVE);
      if (orders) control->mutable_establish()->set_tcp_connection(true);
      break;
  }
}

iq::ReserveConnectionPointRequest RequestMaker::Reserve() {
  iq::ReserveConnectionPointRequest request;
  *request.mutable_termination() = Termination();
  request.set_transaction_id(NewTransaction());
  const size_t protocol = reader_.Choice(8);
  SetLocal(protocol % 2 == 1, protocol >= 6, request.mutable_local());
  SetControl(request.termination().side(), /*orders=*/false, request.mutable_bearer_control());
  Mutate(request);
  return request;
}

iq::ReserveAndConfigureConnectionPointRequest RequestMaker::ReserveAndConfigure() {
  iq::ReserveAndConfigureConnectionPointRequest request;
  *request.mutable_termination() = Termination();
  request.set_transaction_id(NewTransaction());
  const size_t protocol = reader_.Choice(8);
  SetLocal(protocol % 2 == 1, protocol >= 6, request.mutable_local());
  request.mutable_remote();
  if (protocol >= 6) request.mutable_remote()->add_msrp_path(kPath);
  SetRemote(request.termination().side(), request.mutable_remote());
  SetControl(request.termination().side(), /*orders=*/true, request.mutable_bearer_control());
  Mutate(request);
  return request;
}

iq::ConfigureConnectionPointRequest RequestMaker::Configure() {
  iq::ConfigureConnectionPointRequest request;
  *request.mutable_termination() = Termination();
  request.set_transaction_id(NewTransaction());
  SetRemote(request.termination().side(), request.mutable_remote());
  SetControl(request.termination().side(), /*orders=*/true, request.mutable_bearer_control());
  Mutate(request);
  return request;
}

iq::ReleaseTerminationRequest RequestMaker::Release() {
  iq::ReleaseTerminationRequest request;
  *request.mutable_termination() = Termination();
  request.set_transaction_id(NewTransaction());
  switch (reader_.Choice(4)) {
    case 0:  // The context.
      request.mutable_termination()->clear_stream_id();
      request.mutable_termination()->clear_side();
      break;
    case 1:  // The stream.
      request.mutable_termination()->clear_side();
      break;
    case 2:
      request.set_expected_controller_state_revision(reader_.Choice(4));
      break;
    default:
      break;
  }
  Mutate(request);
  return request;
}

iq::ReserveConnectionPointRequest RequestMaker::SessionAccess(const std::string& context_id,
                                                              uint32_t stream_id, bool tls,
                                                              bool msrp) {
  iq::ReserveConnectionPointRequest request;
  SetTermination(context_id, stream_id, iq::SIDE_ACCESS, request.mutable_termination());
  request.set_transaction_id(NewTransaction());
  SetLocal(tls, msrp, request.mutable_local());
  iq::BearerControl* const control = request.mutable_bearer_control();
  control->mutable_syn_policy()->mutable_drop_all();
  control->mutable_interlinkage()->set_topology(iq::Interlinkage::TOPOLOGY_T1_TO_T2);
  return request;
}

iq::ReserveAndConfigureConnectionPointRequest RequestMaker::SessionCore(
    const std::string& context_id, uint32_t stream_id, bool msrp) {
  iq::ReserveAndConfigureConnectionPointRequest request;
  SetTermination(context_id, stream_id, iq::SIDE_CORE, request.mutable_termination());
  request.set_transaction_id(NewTransaction());
  SetLocal(/*tls=*/false, msrp, request.mutable_local());
  *request.mutable_remote()->mutable_address() = peers_.core;
  if (msrp) request.mutable_remote()->add_msrp_path(kPath);
  return request;
}

iq::ConfigureConnectionPointRequest RequestMaker::SessionAnswer(const std::string& context_id,
                                                                uint32_t stream_id, bool tls,
                                                                bool msrp) {
  iq::ConfigureConnectionPointRequest request;
  SetTermination(context_id, stream_id, iq::SIDE_ACCESS, request.mutable_termination());
  request.set_transaction_id(NewTransaction());
  *request.mutable_remote()->mutable_address() = Address(IqWorker::kUe, 9);
  if (msrp) request.mutable_remote()->add_msrp_path(kPath);
  iq::BearerControl* const control = request.mutable_bearer_control();
  control->set_tcp_role(iq::TCP_ROLE_PASSIVE);
  control->mutable_syn_policy()->mutable_accept_from();
  if (tls) {
    control->set_tls_role(iq::TLS_ROLE_SERVER);
    *request.mutable_remote()->add_fingerprints() =
        FingerprintOf(UeCertificate(), HashFunction::kSha256);
  }
  return request;
}

void RequestMaker::Mutate(Message& message) {
  // Mostly none.
  const uint8_t octet = reader_.Octet();
  if (octet < 128) return;
  for (size_t count = 1 + octet % kMutationLimit; count > 0; --count) MutateOne(message);
}

void RequestMaker::MutateOne(Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  if (descriptor.field_count() == 0) return;
  const FieldDescriptor& field =
      *descriptor.field(static_cast<int>(reader_.Choice(descriptor.field_count())));
  const Reflection& reflection = *message.GetReflection();
  const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (!field.is_repeated()) {
    const size_t choice = reader_.Choice(4);
    if (choice == 0) return reflection.ClearField(&message, &field);
    if (!is_message) return SetField(message, field, /*add=*/false);
    return MutateOne(*reflection.MutableMessage(&message, &field));
  }
  const int size = reflection.FieldSize(message, &field);
  switch (reader_.Choice(4)) {
    case 0:
      return reflection.ClearField(&message, &field);
    case 1:
      if (size > 0) reflection.RemoveLast(&message, &field);
      return;
    case 2:
      if (is_message && size > 0) {
        const int index = static_cast<int>(reader_.Choice(static_cast<size_t>(size)));
        return MutateOne(*reflection.MutableRepeatedMessage(&message, &field, index));
      }
      [[fallthrough]];
    default:
      // Sometimes more than are allowed.
      for (size_t count = reader_.Octet() == 255 ? 20 : 1; count > 0; --count) {
        if (is_message) {
          Message& element = *reflection.AddMessage(&message, &field);
          for (int i = 0; i < element.GetDescriptor()->field_count(); ++i) {
            const FieldDescriptor& part = *element.GetDescriptor()->field(i);
            if (!part.is_repeated() && part.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
              SetField(element, part, /*add=*/false);
            }
          }
        } else {
          SetField(message, field, /*add=*/true);
        }
      }
  }
}

std::string RequestMaker::Text(const FieldDescriptor& field) {
  const std::string& name = field.name();
  if (name == "ip_address") {
    const char* const kAddresses[] = {IqWorker::kUe,
                                      IqWorker::kCorePeer,
                                      IqWorker::kStranger,
                                      IqWorker::kUeIpv6,
                                      IqWorker::kCorePeerIpv6,
                                      IqWorker::kAccess,
                                      IqWorker::kCore,
                                      "192.0.2.2",
                                      "0.0.0.0",
                                      "127.0.0.1",
                                      "224.0.0.1",
                                      "::ffff:192.0.2.1",
                                      "fe80::1",
                                      "192.0.2",
                                      "255.255.255.255",
                                      ""};
    return kAddresses[reader_.Choice(16)];
  }
  if (name == "hash_function") {
    const char* const kNames[] = {"sha-256", "SHA-256", "sha-1", "sha-384", "sha-512", "md5", ""};
    return kNames[reader_.Choice(7)];
  }
  if (name == "digest") {
    switch (reader_.Choice(4)) {
      case 0:
        return std::string(UeCertificate().FingerprintBy(HashFunction::kSha256).digest());
      case 1:
        return std::string(StrangersCertificate().FingerprintBy(HashFunction::kSha256).digest());
      case 2:
        return std::string(UeCertificate().FingerprintBy(HashFunction::kSha1).digest());
      default:
        return std::string(reader_.Octet(), 'd');
    }
  }
  if (name == "msrp_path") {
    const char* const kPaths[] = {kPath, "msrp://198.51.100.1:2856/x;tcp", "msrp://a/;tcp", "x"};
    return kPaths[reader_.Choice(4)];
  }
  if (name == "context_id") return absl::StrCat("c", reader_.Choice(6));
  if (name == "ip_realm") {
    const char* const kNames[] = {"", "access", "core", "guarded", "none"};
    return kNames[reader_.Choice(5)];
  }
  if (name == "transaction_id") return absl::StrCat("t", reader_.Octet());
  const size_t size = reader_.Choice(8);
  return size == 7 ? std::string(20'000, 'x') : std::string(size, 'x');
}

uint64_t RequestMaker::Number(const FieldDescriptor& field) {
  const uint64_t kNumbers[] = {0,  1,   2,   3,   5,   9,    24,    32,    33,        64,
                               65, 128, 129, 255, 600, 1800, 65535, 65536, 1'000'000, UINT32_MAX};
  const size_t choice = reader_.Choice(22);
  if (choice == 20) return field.name() == "port" ? peers_.core.port() : 30;
  if (choice == 21) return field.name() == "port" ? peers_.ue.port() : reader_.Octet();
  return kNumbers[choice];
}

void RequestMaker::SetField(Message& message, const FieldDescriptor& field, bool add) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM: {
      // One that there is, or one that there is not.
      const int count = field.enum_type()->value_count();
      const int choice = static_cast<int>(reader_.Choice(static_cast<size_t>(count) + 1));
      const int value = choice == count ? 99 : field.enum_type()->value(choice)->number();
      if (add) return reflection.AddEnumValue(&message, &field, value);
      return reflection.SetEnumValue(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (add) return reflection.AddBool(&message, &field, reader_.Flag());
      return reflection.SetBool(&message, &field, reader_.Flag());
    case FieldDescriptor::CPPTYPE_STRING:
      if (add) return reflection.AddString(&message, &field, Text(field));
      return reflection.SetString(&message, &field, Text(field));
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto value = static_cast<uint32_t>(Number(field));
      if (add) return reflection.AddUInt32(&message, &field, value);
      return reflection.SetUInt32(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      if (add) return reflection.AddUInt64(&message, &field, Number(field));
      return reflection.SetUInt64(&message, &field, Number(field));
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto value = static_cast<int32_t>(Number(field));
      if (add) return reflection.AddInt32(&message, &field, value);
      return reflection.SetInt32(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      // Durations, for the most part.
      const auto value = static_cast<int64_t>(Number(field));
      const int64_t signed_value = reader_.Octet() == 255 ? -value : value;
      if (add) return reflection.AddInt64(&message, &field, signed_value);
      return reflection.SetInt64(&message, &field, signed_value);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const auto value = static_cast<double>(Number(field));
      if (add) return reflection.AddDouble(&message, &field, value);
      return reflection.SetDouble(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const auto value = static_cast<float>(Number(field));
      if (add) return reflection.AddFloat(&message, &field, value);
      return reflection.SetFloat(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return;
  }
}

}  // namespace agw
