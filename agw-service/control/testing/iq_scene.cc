#include "agw-service/control/testing/iq_scene.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agw-service/control/proto_conversion.h"
#include "agw-service/net/socket.h"
#include "common/check.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;
using common::IpAddress;
using common::TransportAddress;

constexpr int kBacklog = 8;

// Longer than all timers of a termination may be ordered to take, one after the other, and then
// those of its context.
constexpr absl::Duration kLongestWait = absl::Hours(3);
constexpr absl::Duration kLongStep = absl::Minutes(4);

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

bool TellsStory() {
  static const bool tells = std::getenv("IQ_SCENE_STORY") != nullptr;
  return tells;
}

void Tell(const std::string& what) {
  if (TellsStory()) std::fprintf(stderr, "%s\n", what.c_str());
}

TransportAddress ToAddress(const iq::TransportAddress& address) {
  return {*IpAddress::Parse(address.ip_address()), static_cast<uint16_t>(address.port())};
}

std::string ToText(const iq::TerminationId& id) { return id.ShortDebugString(); }

}  // namespace

IqScene::IqScene(const IqWorker::Options& options)
    : worker_(std::make_unique<IqWorker>(kernel_, options)),
      ue_{{*IpAddress::Parse(IqWorker::kUe), 2855}, {}, TestPeer::Tls::kRightCertificate},
      core_{{*IpAddress::Parse(IqWorker::kCorePeer), 2856}, {}, TestPeer::Tls::kNone},
      quarantine_(options.quarantine) {
  Listen(ue_);
  Listen(core_);
}

IqScene::~IqScene() = default;

void IqScene::Listen(PeerListener& listener) {
  const PeerScope scope;
  listener.fd = *BindTcp(listener.address);
  CHECK(agw::Listen(listener.fd.get(), kBacklog).ok());
}

void IqScene::SetListening(bool ue, bool listening) {
  PeerListener& listener = ue ? ue_ : core_;
  if (!listening) {
    listener.fd.reset();
  } else if (!listener.fd) {
    Listen(listener);
  }
}

void IqScene::Accept(PeerListener& listener) {
  while (listener.fd) {
    absl::StatusOr<absl::optional<Accepted>> accepted = agw::Accept(listener.fd.get());
    CHECK(accepted.ok());
    if (!accepted->has_value()) return;
    peers_.push_back(std::make_unique<TestPeer>(static_cast<uint32_t>(peers_.size()),
                                                std::move((*accepted)->fd), (*accepted)->remote,
                                                listener.tls, TlsRole::kServer));
  }
}

TestPeer* IqScene::Connect(absl::string_view from, const TransportAddress& to, TestPeer::Tls tls) {
  const IpAddress ip = *IpAddress::Parse(from);
  if (ip.is_ipv4() != to.ip.is_ipv4()) return nullptr;
  agw::Tell(absl::StrCat("peer ", peers_.size(), " connects from ", from, " to ", to.ToString()));
  const PeerScope scope;
  absl::StatusOr<OwnedFd> fd = BindTcp({ip, 0});
  CHECK(fd.ok() && StartConnect(fd->get(), to).ok());
  peers_.push_back(std::make_unique<TestPeer>(static_cast<uint32_t>(peers_.size()), *std::move(fd),
                                              to, tls, TlsRole::kClient));
  return peers_.back().get();
}

absl::optional<TransportAddress> IqScene::AddressOf(const iq::TerminationId& termination) const {
  for (const auto& [id, audit] : worker_->Audit()) {
    for (const iq::TerminationAudit& candidate : audit.terminations()) {
      if (candidate.termination().SerializeAsString() == termination.SerializeAsString()) {
        return ToAddress(candidate.local_address());
      }
    }
  }
  return absl::nullopt;
}

void IqScene::Tell(const google::protobuf::Message& request) {
  if (!TellsStory()) return;
  agw::Tell(absl::StrCat(request.GetDescriptor()->name(), " ", request.ShortDebugString()));
}

void IqScene::BeginCall() { before_ = PictureOf(*worker_); }

void IqScene::Begin(const iq::TerminationId& id, const iq::LocalDescriptor& local) {
  alive_.insert(id.context_id());
  const Side side = id.side() == iq::SIDE_ACCESS ? Side::kAccess : Side::kCore;
  const Key key{id.context_id(), id.stream_id(), side};
  // The request may be one of before, answered again.
  const auto known = before_->audits.find(id.context_id());
  if (known != before_->audits.end()) {
    for (const iq::TerminationAudit& termination : known->second.terminations()) {
      if (termination.termination().SerializeAsString() == id.SerializeAsString()) return;
    }
  }
  auto record = std::make_shared<Record>();
  record->tls = local.transport_protocol() == iq::TRANSPORT_PROTOCOL_TCP_TLS;
  const auto other = records_.find({id.context_id(), id.stream_id(), Opposite(side)});
  if (other != records_.end()) record->sources = other->second->peers;
  records_[key] = std::move(record);
}

void IqScene::EndCall(const absl::Status& status, const iq::TerminationId& termination) {
  agw::Tell(absl::StrCat("  ", status.ToString()));
  if (!status.ok()) {
    const WorkerPicture after = PictureOf(*worker_);
    if (!(*before_ == after)) {
      Fail(absl::StrCat("a call that failed with ", status.ToString(),
                        " has changed something.\nBefore:\n", before_->ToString(), "\nAfter:\n",
                        after.ToString()));
    }
    for (const Event& event : worker_->events()) {
      if (!event.context_id.empty()) {
        Fail(absl::StrCat("a call that failed was reported: ", ToText(termination)));
      }
    }
  }
  TakeEvents();
  const auto audits = worker_->Audit();
  for (auto id = alive_.begin(); id != alive_.end();) {
    id = audits.count(*id) > 0 ? std::next(id) : alive_.erase(id);
  }
  Check();
}

void IqScene::TakeEvents() {
  for (const Event& event : worker_->events()) TakeEvent(event);
  worker_->ForgetEvents();
}

void IqScene::TakeEvent(const Event& event) {
  if (TellsStory()) agw::Tell(absl::StrCat("  ", agw::ToProto(event).ShortDebugString()));
  ++event_counts_[absl::visit([](const auto& kind) { return std::type_index(typeid(kind)); },
                              event.kind)];
  if (event.context_id.empty()) return;
  if (alive_.count(event.context_id) == 0) {
    Fail(absl::StrCat("reported of ", event.context_id,
                      ", which does not exist: ", event.kind.index()));
  }
  if (absl::holds_alternative<HangingTermination>(event.kind)) {
    alive_.erase(event.context_id);
    return;
  }
  const auto record = records_.find({event.context_id, event.stream_id, *event.side});
  if (record == records_.end()) Fail("reported of a termination that was never reserved");
  Record& own = *record->second;
  if (const auto* established = absl::get_if<TcpEstablished>(&event.kind)) {
    own.verified = false;
    // The latest: ports are used again.
    const auto found = std::find_if(peers_.rbegin(), peers_.rend(), [&](const auto& peer) {
      return peer->local() == established->remote_address &&
             peer->remote() == established->local_address;
    });
    if (found == peers_.rend()) Fail("connected to nobody");
    own.peers.push_back(found->get());
    receptions_[found->get()].record = record->second;
    const auto other = records_.find({event.context_id, event.stream_id, Opposite(*event.side)});
    if (other != records_.end()) other->second->sources.push_back(found->get());
  } else if (const auto* verified = absl::get_if<FingerprintVerified>(&event.kind)) {
    own.verified = true;
    if (!own.tls) Fail("a fingerprint was verified without TLS");
    for (const HashFunction hash_function :
         {HashFunction::kSha1, HashFunction::kSha256, HashFunction::kSha512}) {
      if (verified->fingerprint == StrangersCertificate().FingerprintBy(hash_function)) return;
      if (verified->fingerprint == UeCertificate().FingerprintBy(hash_function)) return;
    }
    Fail("a certificate was verified that nobody has");
  }
}

void IqScene::CheckReceived(TestPeer& peer) {
  const std::string& received = peer.received();
  Reception& reception = receptions_[&peer];
  if (reception.checked == received.size()) return;
  if (reception.record == nullptr) Fail("octets came from no termination");
  Record& record = *reception.record;
  if (record.tls && !peer.tls()) {
    // Records of TLS, which it does not understand.
    reception.checked = received.size();
    return;
  }
  if (record.tls && !record.verified) Fail("octets were sent to somebody who is not verified");
  const absl::string_view rest = absl::string_view(received).substr(reception.checked);
  for (; reception.source < record.sources.size();
       ++reception.source, reception.source_offset = 0) {
    const TestPeer& source = *record.sources[reception.source];
    const auto of_source = receptions_.find(&source);
    CHECK(of_source != receptions_.end());
    const Record& source_record = *of_source->second.record;
    if ((source.sent_raw() || source.tls()) && !source_record.tls) {
      // Anything may have come of that, or records of TLS.
      reception.checked = received.size();
      return;
    }
    if (reception.source_offset + rest.size() > source.sent_byte_count() ||
        rest != TestPeer::Octets(source.number(), reception.source_offset, rest.size())) {
      continue;
    }
    if (source_record.tls && !source_record.verified) {
      Fail("octets came from somebody who is not verified");
    }
    reception.source_offset += rest.size();
    reception.checked = received.size();
    return;
  }
  Fail(absl::StrCat("peer ", peer.number(), " received octets that nobody has sent, behind ",
                    reception.checked));
}

void IqScene::Check() {
  const std::string untruth = FindUntruth(*worker_);
  if (!untruth.empty()) {
    Fail(absl::StrCat("the audit is not true: ", untruth, "\n", PictureOf(*worker_).ToString()));
  }
}

void IqScene::Turn() {
  worker_->Turn();
  Accept(ue_);
  Accept(core_);
  TakeEvents();
  for (const std::unique_ptr<TestPeer>& peer : peers_) {
    const size_t before = peer->received().size();
    peer->Step();
    if (TellsStory() && peer->received().size() > before) {
      agw::Tell(
          absl::StrCat("  peer ", peer->number(), " receives ", peer->received().size() - before));
    }
    CheckReceived(*peer);
  }
  Check();
}

void IqScene::Advance(absl::Duration time) {
  agw::Tell(absl::FormatDuration(time));
  kernel_.Advance(time);
  Turn();
}

void IqScene::Finish() {
  kernel_.set_failure(nullptr);
  kernel_.set_descriptor_limit(SIZE_MAX);
  for (absl::Duration waited; waited < kLongestWait && worker_->context_count() > 0;
       waited += kLongStep) {
    Advance(kLongStep);
  }
  // Two ends that are still may be so for ever, once they are connected.
  for (const auto& [id, audit] : worker_->Audit()) {
    int established_count = 0;
    for (const iq::TerminationAudit& termination : audit.terminations()) {
      const bool established = termination.state() == iq::TerminationAudit::STATE_ESTABLISHED;
      established_count += established;
      if (!established && termination.state() != iq::TerminationAudit::STATE_RELEASED &&
          termination.state() != iq::TerminationAudit::STATE_FAILED &&
          termination.state() != iq::TerminationAudit::STATE_IDLE) {
        Fail(absl::StrCat("waits without end: ", termination.DebugString()));
      }
    }
    if (established_count < 2) {
      Fail(absl::StrCat("nobody ends this context: ", audit.DebugString()));
    }
  }
  for (const std::unique_ptr<TestPeer>& peer : peers_) peer->Reset();
  for (absl::Duration waited; waited < kLongestWait && worker_->context_count() > 0;
       waited += kLongStep) {
    Advance(kLongStep);
  }
  Turn();
  Advance(absl::Seconds(2));  // For alerts that wait to be read.
  Advance(quarantine_);
  if (worker_->context_count() > 0 || !alive_.empty()) Fail("a context is left");
  if (worker_->ports_in_use() > 0) Fail("a port is left");
  const DescriptorBudget& budget = worker_->admission().descriptors();
  if (budget.available() != budget.capacity()) Fail("a descriptor is set aside for nobody");
  EndWorker();
}

void IqScene::EndWorker() {
  worker_.reset();
  if (kernel_.descriptor_count() > 0) {
    for (const ShownDescriptor& left : kernel_.Descriptors()) {
      std::fprintf(stderr, "%s\n", left.ToString().c_str());
    }
    Fail("a descriptor is left");
  }
}

}  // namespace agw
