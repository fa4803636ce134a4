#include "agw-service/config.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/ip_address.h"
#include "common/status_macros.h"

namespace agw {
namespace {

using ims::config::v1::AgwConfig;
using ims::config::v1::RealmConfig;

google::protobuf::Duration ToProto(absl::Duration value) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::ToInt64Seconds(value));
  return proto;
}

void AddDefaultRealm(const char* name, const char* ipv4, uint32_t first_port, AgwConfig* config) {
  RealmConfig* realm = config->add_realms();
  realm->set_name(name);
  realm->add_addresses()->set_bind(ipv4);
  realm->add_addresses()->set_bind("::1");
  realm->set_first_port(first_port);
  realm->set_last_port(first_port + 9998);
  realm->add_default_for(name);
}

std::string HostName() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

bool IsName(absl::string_view name) {
  const auto allowed = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), allowed);
}

// Collects the mistakes of ranges.
class RangeChecker {
 public:
  explicit RangeChecker(common::ConfigErrors* errors) : errors_(errors) {}

  void Number(absl::string_view path, uint64_t value, uint64_t low, uint64_t high) const {
    if (value < low || value > high) {
      errors_->Add(path, absl::StrCat("must be between ", low, " and ", high));
    }
  }

  void Time(absl::string_view path, const google::protobuf::Duration& value, absl::Duration low,
            absl::Duration high) const {
    const absl::Duration duration = ToDuration(value);
    if (duration < low || duration > high) {
      errors_->Add(path, absl::StrCat("must be between ", absl::FormatDuration(low), " and ",
                                      absl::FormatDuration(high)));
    }
  }

 private:
  common::ConfigErrors* errors_;
};

void ValidateListenAddress(const std::string& path, const std::string& address,
                           common::ConfigErrors* errors) {
  if (!common::TransportAddress::Parse(address).ok()) {
    errors->Add(path, absl::StrCat("\"", address, "\" is not IP:PORT or [IP]:PORT"));
  }
}

void ValidateServerTls(const ims::config::v1::MutualTls& tls, const std::string& path,
                       common::ConfigErrors* errors) {
  if (tls.certificate_file().empty()) errors->Add(path + ".certificate_file", "is missing");
  if (tls.key_file().empty()) errors->Add(path + ".key_file", "is missing");
  if (tls.ca_file().empty()) errors->Add(path + ".ca_file", "is missing");
  if (!tls.server_name().empty()) errors->Add(path + ".server_name", "is only for a client");
}

void ValidateAddresses(const RealmConfig& realm, const std::string& path,
                       common::ConfigErrors* errors) {
  if (realm.addresses().empty()) errors->Add(path + ".addresses", "needs at least one");
  int families[2] = {0, 0};
  for (int i = 0; i < realm.addresses_size(); ++i) {
    const std::string address_path = absl::StrCat(path, ".addresses[", i, "]");
    const absl::StatusOr<common::IpAddress> bind =
        common::IpAddress::Parse(realm.addresses(i).bind());
    if (!bind.ok()) {
      errors->Add(address_path + ".bind", bind.status().message());
      continue;
    }
    if (++families[bind->is_ipv4() ? 0 : 1] > 1) {
      errors->Add(address_path, "is the second one of its family");
    }
    if (realm.addresses(i).advertised().empty()) continue;
    const absl::StatusOr<common::IpAddress> advertised =
        common::IpAddress::Parse(realm.addresses(i).advertised());
    if (!advertised.ok()) {
      errors->Add(address_path + ".advertised", advertised.status().message());
    } else if (advertised->is_ipv4() != bind->is_ipv4()) {
      errors->Add(address_path + ".advertised", "is not of the family of `bind`");
    }
  }
}

void ValidateRealms(const AgwConfig& config, common::ConfigErrors* errors) {
  const RangeChecker check(errors);
  absl::flat_hash_set<std::string> names;
  int defaults[2] = {0, 0};
  for (int i = 0; i < config.realms_size(); ++i) {
    const RealmConfig& realm = config.realms(i);
    const std::string path = absl::StrCat("realms[", i, "]");
    if (!IsName(realm.name())) {
      errors->Add(path + ".name", "must be 1 to 63 characters of [A-Za-z0-9.-]");
    } else if (!names.insert(realm.name()).second) {
      errors->Add(path + ".name", "is taken by another realm");
    }
    ValidateAddresses(realm, path, errors);
    check.Number(path + ".first_port", realm.first_port(), 1024, 65535);
    check.Number(path + ".last_port", realm.last_port(), realm.first_port(), 65535);
    check.Time(path + ".port_quarantine", realm.port_quarantine(), absl::ZeroDuration(),
               absl::Hours(1));
    for (int j = 0; j < realm.default_for_size(); ++j) {
      const std::string& side = realm.default_for(j);
      if (side != "access" && side != "core") {
        errors->Add(absl::StrCat(path, ".default_for[", j, "]"), "must be \"access\" or \"core\"");
        continue;
      }
      ++defaults[side == "access" ? 0 : 1];
    }
  }
  if (defaults[0] != 1) errors->Add("realms", "need exactly one that is default_for \"access\"");
  if (defaults[1] != 1) errors->Add("realms", "need exactly one that is default_for \"core\"");
}

}  // namespace

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<AgwConfig> LoadConfig(const std::string& file_name,
                                     const ConfigOverrides& overrides) {
  AgwConfig config;
  common::ConfigErrors errors;
  if (!file_name.empty()) common::LoadYamlFile(file_name, &config, &errors);
  if (!overrides.instance_id.empty()) config.set_instance_id(overrides.instance_id);
  if (!overrides.iq_address.empty()) {
    config.mutable_iq()->set_listen_address(overrides.iq_address);
  }
  if (!overrides.http_address.empty()) {
    config.mutable_http()->set_listen_address(overrides.http_address);
  }
  SetDefaults(&config);
  Validate(config, &errors);
  RETURN_IF_ERROR(errors.ToStatus(file_name.empty() ? "command line" : file_name));
  return config;
}

void SetDefaults(AgwConfig* config) {
  if (config->instance_id().empty()) config->set_instance_id(HostName());
  if (config->iq().listen_address().empty()) {
    config->mutable_iq()->set_listen_address("127.0.0.1:7060");
  }
  if (config->http().listen_address().empty()) {
    config->mutable_http()->set_listen_address("127.0.0.1:9060");
  }
  if (config->realms().empty()) {
    AddDefaultRealm("access", "127.0.0.10", 40000, config);
    AddDefaultRealm("core", "127.0.0.20", 30000, config);
  }
  for (RealmConfig& realm : *config->mutable_realms()) {
    if (realm.first_port() == 0) realm.set_first_port(30000);
    if (realm.last_port() == 0) realm.set_last_port(59999);
    if (!realm.has_port_quarantine()) *realm.mutable_port_quarantine() = ToProto(absl::Seconds(10));
  }
  if (config->worker_count() == 0) {
    config->set_worker_count(std::max(1u, std::thread::hardware_concurrency()));
  }
  if (config->context_limit() == 0) config->set_context_limit(10'000);
  ims::config::v1::SetupConfig* setup = config->mutable_setup();
  if (!setup->has_await_configuration())
    *setup->mutable_await_configuration() = ToProto(absl::Seconds(180));
  if (!setup->has_tcp_establishment())
    *setup->mutable_tcp_establishment() = ToProto(absl::Seconds(30));
  if (!setup->has_tls_establishment())
    *setup->mutable_tls_establishment() = ToProto(absl::Seconds(10));
  if (setup->attempt_limit() == 0) setup->set_attempt_limit(3);
  ims::config::v1::TlsConfig* tls = config->mutable_tls();
  if (tls->handshake_size_limit() == 0) tls->set_handshake_size_limit(16384);
  if (!tls->has_certificate_rotation())
    *tls->mutable_certificate_rotation() = ToProto(absl::Hours(24 * 7));
  if (config->notification_log_size() == 0) config->set_notification_log_size(16384);
  if (!config->has_hold_time()) *config->mutable_hold_time() = ToProto(absl::Minutes(5));
  if (!config->has_drain_time()) *config->mutable_drain_time() = ToProto(absl::Seconds(30));
  if (!config->has_half_close_time())
    *config->mutable_half_close_time() = ToProto(absl::Minutes(5));
}

void Validate(const AgwConfig& config, common::ConfigErrors* errors) {
  const RangeChecker check(errors);
  if (!IsName(config.instance_id())) {
    errors->Add("instance_id", "must be 1 to 63 characters of [A-Za-z0-9.-]");
  }
  ValidateListenAddress("iq.listen_address", config.iq().listen_address(), errors);
  if (config.iq().has_tls()) ValidateServerTls(config.iq().tls(), "iq.tls", errors);
  ValidateListenAddress("http.listen_address", config.http().listen_address(), errors);
  ValidateRealms(config, errors);
  check.Number("worker_count", config.worker_count(), 1, 256);
  check.Number("context_limit", config.context_limit(), 1, 1'000'000);
  check.Time("setup.await_configuration", config.setup().await_configuration(),
             absl::Milliseconds(1), absl::Minutes(30));
  check.Time("setup.tcp_establishment", config.setup().tcp_establishment(), absl::Milliseconds(1),
             absl::Minutes(10));
  check.Time("setup.tls_establishment", config.setup().tls_establishment(), absl::Milliseconds(1),
             absl::Minutes(5));
  check.Number("setup.attempt_limit", config.setup().attempt_limit(), 1, 10);
  check.Number("tls.handshake_size_limit", config.tls().handshake_size_limit(), 16384, 65536);
  check.Time("tls.certificate_rotation", config.tls().certificate_rotation(), absl::Minutes(1),
             absl::Hours(24 * 365));
  check.Number("notification_log_size", config.notification_log_size(), 16, 1'048'576);
  check.Time("hold_time", config.hold_time(), absl::Seconds(1), absl::Hours(24));
  check.Time("drain_time", config.drain_time(), absl::ZeroDuration(), absl::Hours(24));
  check.Time("half_close_time", config.half_close_time(), absl::Seconds(1), absl::Hours(24));
}

std::vector<IpRealm> MakeRealms(const AgwConfig& config) {
  std::vector<IpRealm> realms;
  for (const RealmConfig& realm_config : config.realms()) {
    IpRealm realm;
    realm.name = realm_config.name();
    realm.first_port = static_cast<uint16_t>(realm_config.first_port());
    realm.last_port = static_cast<uint16_t>(realm_config.last_port());
    for (const ims::config::v1::RealmAddress& address : realm_config.addresses()) {
      const common::IpAddress bind = *common::IpAddress::Parse(address.bind());
      realm.addresses.push_back(
          {bind,
           address.advertised().empty() ? bind : *common::IpAddress::Parse(address.advertised()),
           std::make_unique<PortPool>(realm.first_port, realm.last_port,
                                      ToDuration(realm_config.port_quarantine()))});
    }
    for (const std::string& side : realm_config.default_for()) {
      (side == "access" ? realm.access_default : realm.core_default) = true;
    }
    realms.push_back(std::move(realm));
  }
  return realms;
}

ContextLimits MakeContextLimits(const AgwConfig& config) {
  ContextLimits limits;
  limits.setup_timers.await_configuration = ToDuration(config.setup().await_configuration());
  limits.setup_timers.tcp_establishment = ToDuration(config.setup().tcp_establishment());
  limits.setup_timers.tls_establishment = ToDuration(config.setup().tls_establishment());
  limits.attempt_limit = config.setup().attempt_limit();
  limits.half_close_time = ToDuration(config.half_close_time());
  limits.hold_time = ToDuration(config.hold_time());
  limits.allow_sha1_fingerprints = config.tls().allow_sha1_fingerprints();
  limits.handshake_message_limit = config.tls().handshake_size_limit();
  return limits;
}

}  // namespace agw
