#include "agw-service/control/gateway_state.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "agw-service/context/iq_error.h"
#include "agw-service/control/proto_conversion.h"
#include "common/config_check.h"
#include "common/version.h"

namespace agw {

void GatewayState::SetIdentity(const std::string& realm,
                               std::shared_ptr<const TlsIdentity> identity) {
  common::MutexLock lock(mutex_);
  const absl::Time now = absl::Now();
  CertificateInUse& in_use = certificates_[realm];
  if (in_use.identity != nullptr) {
    log_.Append(Event{now, "", 0, absl::nullopt,
                      CertificateRotated{realm, identity->fingerprint(), identity->not_after()}});
  }
  in_use = {std::move(identity), now};
}

absl::Time GatewayState::FirstCertificateEnd() const {
  common::MutexLock lock(mutex_);
  absl::Time first = absl::InfiniteFuture();
  for (const auto& [realm, in_use] : certificates_) {
    first = std::min(first, in_use.identity->not_after());
  }
  return first;
}

void GatewayState::Drain() {
  common::MutexLock lock(mutex_);
  DrainLocked();
}

void GatewayState::DrainLocked() {
  if (draining_since_.has_value()) return;
  draining_since_ = common::MonotonicTime::Now();
  admission_.SetDraining(true);
  log_.Append(Event{absl::Now(), "", 0, absl::nullopt, Draining{}});
}

absl::Status GatewayState::Undrain() {
  common::MutexLock lock(mutex_);
  if (stopping_) {
    return IqError(absl::StatusCode::kFailedPrecondition, "STOPPING", "the process is to end");
  }
  if (!draining_since_.has_value()) return absl::OkStatus();
  draining_since_.reset();
  admission_.SetDraining(false);
  log_.Append(Event{absl::Now(), "", 0, absl::nullopt, DrainEnded{}});
  return absl::OkStatus();
}

void GatewayState::Stop() {
  common::MutexLock lock(mutex_);
  stopping_ = true;
  DrainLocked();
}

ims::iq::v1::GatewayStatus GatewayState::Status() const {
  ims::iq::v1::GatewayStatus status;
  status.set_instance_id(instance_id_);
  status.set_incarnation(incarnation_);
  status.set_draining(admission_.draining());
  status.set_context_count(admission_.context_count());
  status.set_context_limit(admission_.context_limit());
  for (const IpRealm& realm : realms_.realms()) {
    ims::iq::v1::Realm* proto = status.add_realms();
    proto->set_name(realm.name);
    if (realm.access_default) proto->add_default_for(ims::iq::v1::SIDE_ACCESS);
    if (realm.core_default) proto->add_default_for(ims::iq::v1::SIDE_CORE);
    proto->set_first_port(realm.first_port);
    proto->set_last_port(realm.last_port);
    proto->set_ports_total(static_cast<uint32_t>(realm.last_port - realm.first_port + 1));
    // Of the address with the fewest left: that is the one that runs out.
    uint32_t in_use = 0;
    for (const RealmAddress& address : realm.addresses) {
      proto->add_advertised_addresses(address.advertised.ToString());
      in_use = std::max(in_use, static_cast<uint32_t>(address.ports->in_use()));
    }
    proto->set_ports_in_use(in_use);
    common::MutexLock lock(mutex_);
    const auto own = certificates_.find(realm.name);
    if (own != certificates_.end()) {
      *proto->add_certificate_fingerprints() = ToProto(own->second.identity->fingerprint());
    }
  }
  {
    common::MutexLock lock(mutex_);
    // An empty name comes first.
    for (const auto& [realm, in_use] : certificates_) {
      ims::iq::v1::Certificate* proto = status.add_certificates();
      proto->set_ip_realm(realm);
      *proto->mutable_fingerprint() = ToProto(in_use.identity->fingerprint());
      *proto->mutable_not_after() = ToProto(in_use.identity->not_after());
      *proto->mutable_in_use_since() = ToProto(in_use.since);
      proto->set_generated(realm.empty());
      if (realm.empty()) *status.add_certificate_fingerprints() = proto->fingerprint();
    }
    if (draining_since_.has_value()) {
      *status.mutable_drain_duration() =
          common::ToProto(common::MonotonicTime::Now() - *draining_since_);
    }
  }
  status.set_worker_count(worker_count_);
  status.set_last_sequence_number(log_.last_sequence_number());
  status.set_software_version(common::kVersion);
  *status.mutable_time() = ToProto(absl::Now());
  return status;
}

}  // namespace agw
