#include "agw-service/config.h"

#include <unistd.h>

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/realm/port_pool.h"
#include "common/config_check.h"
#include "common/control_group.h"
#include "common/ip_address.h"
#include "common/ip_prefix.h"
#include "common/status_macros.h"

namespace agw {
namespace {

using common::RangeChecker;
using common::ToDuration;
using common::ToProto;
using ims::config::v1::AgwConfig;
using ims::config::v1::RealmConfig;

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

bool IsInterfaceName(absl::string_view name) {
  // Linux's own rule (IFNAMSIZ).
  return name.size() <= 15 && name.find_first_of("/ \t") == absl::string_view::npos;
}

// Tells of `advertised` unless it is an address, and of the family if that is known.
void ValidateAdvertised(const std::string& advertised, absl::optional<bool> is_ipv4,
                        const std::string& path, common::ConfigErrors* errors) {
  const absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(advertised);
  if (!ip.ok()) {
    errors->Add(path, ip.status().message());
  } else if (is_ipv4.has_value() && ip->is_ipv4() != *is_ipv4) {
    errors->Add(path, "is not of the family that is bound to");
  }
}

// The family bound to, if it is known.
absl::optional<bool> ValidateBind(const ims::config::v1::RealmAddress& address,
                                  const std::string& path, common::ConfigErrors* errors) {
  if (address.bind().empty() == address.interface().empty()) {
    errors->Add(path, "needs either bind or interface");
    return absl::nullopt;
  }
  if (!address.bind().empty()) {
    if (!address.family().empty()) errors->Add(path + ".family", "is only for an interface");
    const absl::StatusOr<common::IpAddress> bind = common::IpAddress::Parse(address.bind());
    if (bind.ok()) return bind->is_ipv4();
    errors->Add(path + ".bind", bind.status().message());
    return absl::nullopt;
  }
  if (!IsInterfaceName(address.interface())) {
    errors->Add(path + ".interface", "is not the name of a network interface");
  }
  if (address.family().empty()) return absl::nullopt;
  if (address.family() == "ipv4" || address.family() == "ipv6") return address.family() == "ipv4";
  errors->Add(path + ".family", "must be \"ipv4\" or \"ipv6\"");
  return absl::nullopt;
}

void ValidateAddress(const ims::config::v1::RealmAddress& address, const std::string& path,
                     absl::optional<bool> is_ipv4, common::ConfigErrors* errors) {
  if (!address.advertised().empty()) {
    ValidateAdvertised(address.advertised(), is_ipv4, path + ".advertised", errors);
    if (!address.advertised_by_node().empty()) {
      errors->Add(path + ".advertised_by_node", "is instead of `advertised`, not beside it");
    }
  }
  absl::flat_hash_set<std::string> nodes;
  for (int i = 0; i < address.advertised_by_node_size(); ++i) {
    const ims::config::v1::NodeAddress& each = address.advertised_by_node(i);
    const std::string node_path = absl::StrCat(path, ".advertised_by_node[", i, "]");
    if (each.node().empty()) errors->Add(node_path + ".node", "is required");
    if (!nodes.insert(each.node()).second) errors->Add(node_path + ".node", "stands twice");
    ValidateAdvertised(each.address(), is_ipv4, node_path + ".address", errors);
  }
}

void ValidateAddresses(const RealmConfig& realm, const std::string& path,
                       common::ConfigErrors* errors) {
  if (realm.addresses().empty()) errors->Add(path + ".addresses", "needs at least one");
  int families[2] = {0, 0};
  for (int i = 0; i < realm.addresses_size(); ++i) {
    const std::string address_path = absl::StrCat(path, ".addresses[", i, "]");
    const absl::optional<bool> is_ipv4 = ValidateBind(realm.addresses(i), address_path, errors);
    ValidateAddress(realm.addresses(i), address_path, is_ipv4, errors);
    if (is_ipv4.has_value() && ++families[*is_ipv4] > 1) {
      errors->Add(address_path, "is the second one of its family");
    }
  }
}

using Texts = google::protobuf::RepeatedPtrField<std::string>;

void ValidatePrefixes(const Texts& prefixes, const std::string& path,
                      common::ConfigErrors* errors) {
  for (int i = 0; i < prefixes.size(); ++i) {
    const absl::Status valid = common::IpPrefix::Parse(prefixes[i]).status();
    if (!valid.ok()) errors->Add(absl::StrCat(path, "[", i, "]"), valid.message());
  }
}

// Of texts that are valid.
std::vector<common::IpPrefix> MakePrefixes(const Texts& texts) {
  std::vector<common::IpPrefix> prefixes;
  for (const std::string& text : texts) prefixes.push_back(*common::IpPrefix::Parse(text));
  return prefixes;
}

PortPool::Shares MakePortShares(const AgwConfig& config, const std::string& realm, size_t total,
                                const PortPoolLowSink& on_low) {
  PortPool::Shares shares;
  shares.kept_count = total * config.priority_share() / 100;
  shares.low_count = total * config.port_pool_low_share() / 100;
  if (on_low) {
    shares.on_low = [realm, total, on_low](size_t in_use) {
      on_low(PortPoolLow{realm, static_cast<uint32_t>(in_use), static_cast<uint32_t>(total)});
    };
  }
  return shares;
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
    ValidatePrefixes(realm.allowed_remotes(), path + ".allowed_remotes", errors);
    ValidatePrefixes(realm.denied_remotes(), path + ".denied_remotes", errors);
    check.Number(path + ".dscp", realm.dscp(), 0, 63);
    if (realm.has_certificate() && (realm.certificate().certificate_file().empty() ||
                                    realm.certificate().key_file().empty())) {
      errors->Add(path + ".certificate", "needs certificate_file and key_file");
    }
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
  const ContextLimits limits;
  if (config->instance_id().empty()) config->set_instance_id(HostName());
  if (config->node_name().empty()) config->set_node_name(HostName());
  if (config->iq().listen_address().empty()) {
    config->mutable_iq()->set_listen_address("127.0.0.1:7060");
  }
  if (config->http().listen_address().empty()) {
    config->mutable_http()->set_listen_address("127.0.0.1:9060");
  }
  if (config->realms().empty()) {
    AddDefaultRealm("access", "127.0.0.10", 20000, config);
    AddDefaultRealm("core", "127.0.0.20", 10000, config);
  }
  for (RealmConfig& realm : *config->mutable_realms()) {
    if (realm.first_port() == 0) realm.set_first_port(10000);
    if (realm.last_port() == 0) realm.set_last_port(29999);
    if (!realm.has_port_quarantine()) *realm.mutable_port_quarantine() = ToProto(absl::Seconds(10));
  }
  if (config->worker_count() == 0) {
    config->set_worker_count(common::UsableCpuCount());
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
  if (tls->handshake_limit() == 0) tls->set_handshake_limit(limits.handshake_limit);
  if (!tls->has_certificate_rotation())
    *tls->mutable_certificate_rotation() = ToProto(absl::Hours(24 * 7));
  if (config->notification_log_size() == 0) config->set_notification_log_size(16384);
  if (!config->has_history_limit()) config->set_history_limit(limits.history_limit);
  if (config->buffered_byte_limit() == 0)
    config->set_buffered_byte_limit(limits.buffered_byte_limit);
  if (!config->has_priority_share()) config->set_priority_share(5);
  if (config->port_pool_low_share() == 0) config->set_port_pool_low_share(20);
  if (!config->has_hold_time()) *config->mutable_hold_time() = ToProto(absl::Minutes(5));
  if (!config->has_drain_time()) *config->mutable_drain_time() = ToProto(absl::Seconds(30));
  if (!config->has_drain_close_time())
    *config->mutable_drain_close_time() = ToProto(absl::Seconds(5));
  if (!config->has_half_close_time())
    *config->mutable_half_close_time() = ToProto(absl::Minutes(5));
  const PeerLossTimes times;
  ims::config::v1::PeerLossConfig* loss = config->mutable_peer_loss();
  if (!loss->has_keep_alive_idle())
    *loss->mutable_keep_alive_idle() = ToProto(times.keep_alive_idle);
  if (!loss->has_keep_alive_interval())
    *loss->mutable_keep_alive_interval() = ToProto(times.keep_alive_interval);
  if (!loss->has_loss_time()) *loss->mutable_loss_time() = ToProto(times.loss_time);
}

void ValidatePeerLoss(const ims::config::v1::PeerLossConfig& loss, common::ConfigErrors* errors) {
  const RangeChecker check(errors);
  // The kernel takes at most 32,767 s.
  check.Time("peer_loss.keep_alive_idle", loss.keep_alive_idle(), absl::Seconds(1), absl::Hours(9));
  check.Time("peer_loss.keep_alive_interval", loss.keep_alive_interval(), absl::Seconds(1),
             absl::Hours(9));
  check.Time("peer_loss.loss_time", loss.loss_time(), absl::Seconds(1), absl::Hours(24));
  if (ToDuration(loss.loss_time()) <
      ToDuration(loss.keep_alive_idle()) + 2 * ToDuration(loss.keep_alive_interval())) {
    errors->Add("peer_loss.loss_time",
                "must be at least keep_alive_idle and two keep_alive_interval");
  }
}

void Validate(const AgwConfig& config, common::ConfigErrors* errors) {
  const RangeChecker check(errors);
  if (!IsName(config.instance_id())) {
    errors->Add("instance_id", "must be 1 to 63 characters of [A-Za-z0-9.-]");
  }
  common::ValidateListenAddress("iq.listen_address", config.iq().listen_address(), errors);
  if (config.iq().has_tls()) common::ValidateServerTls(config.iq().tls(), "iq.tls", errors);
  common::ValidateListenAddress("http.listen_address", config.http().listen_address(), errors);
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
  check.Number("tls.handshake_limit", config.tls().handshake_limit(), 16, 1'000'000);
  check.Number("notification_log_size", config.notification_log_size(), 16, 1'048'576);
  check.Number("history_limit", config.history_limit(), 0, 256);
  if (config.buffered_byte_limit() < 1'048'576) {
    errors->Add("buffered_byte_limit", "must be at least 1048576");
  }
  check.Number("priority_share", config.priority_share(), 0, 50);
  check.Number("port_pool_low_share", config.port_pool_low_share(), 1, 90);
  check.Time("hold_time", config.hold_time(), absl::Seconds(1), absl::Hours(24));
  check.Time("drain_time", config.drain_time(), absl::ZeroDuration(), absl::Hours(24));
  check.Time("drain_close_time", config.drain_close_time(), absl::ZeroDuration(), absl::Hours(1));
  check.Time("half_close_time", config.half_close_time(), absl::Seconds(1), absl::Hours(24));
  ValidatePeerLoss(config.peer_loss(), errors);
}

std::vector<IpRealm> MakeRealms(const AgwConfig& config, const PortPoolLowSink& on_port_pool_low) {
  std::vector<IpRealm> realms;
  for (const RealmConfig& realm_config : config.realms()) {
    IpRealm realm;
    realm.name = realm_config.name();
    realm.first_port = static_cast<uint16_t>(realm_config.first_port());
    realm.last_port = static_cast<uint16_t>(realm_config.last_port());
    const common::RemotePrefixes remote_prefixes{MakePrefixes(realm_config.allowed_remotes()),
                                                 MakePrefixes(realm_config.denied_remotes())};
    SocketOptions socket_options;
    if (realm_config.has_dscp()) socket_options.dscp = static_cast<uint8_t>(realm_config.dscp());
    for (const ims::config::v1::RealmAddress& address : realm_config.addresses()) {
      auto ports = std::make_unique<PortPool>(realm.first_port, realm.last_port,
                                              ToDuration(realm_config.port_quarantine()));
      ports->SetShares(MakePortShares(config, realm.name, ports->total(), on_port_pool_low));
      realm.addresses.push_back({*common::IpAddress::Parse(address.bind()),
                                 *common::IpAddress::Parse(address.advertised()), std::move(ports),
                                 remote_prefixes, socket_options});
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
  limits.peer_loss_times = {
      .keep_alive_idle = ToDuration(config.peer_loss().keep_alive_idle()),
      .keep_alive_interval = ToDuration(config.peer_loss().keep_alive_interval()),
      .loss_time = ToDuration(config.peer_loss().loss_time())};
  limits.hold_time = ToDuration(config.hold_time());
  limits.allow_sha1_fingerprints = config.tls().allow_sha1_fingerprints();
  limits.handshake_message_limit = config.tls().handshake_size_limit();
  limits.history_limit = config.history_limit();
  // Each worker has its share, so that no lock is needed where they count.
  const uint32_t workers = std::max(config.worker_count(), 1u);
  limits.buffered_byte_limit = std::max<uint64_t>(config.buffered_byte_limit() / workers, 1);
  limits.handshake_limit = std::max(config.tls().handshake_limit() / workers, 1u);
  return limits;
}

}  // namespace agw
