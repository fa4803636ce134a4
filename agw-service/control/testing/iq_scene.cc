#include "agw-service/control/testing/iq_scene.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agw-service/context/worker_resources.h"
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

Side ToSide(const iq::TerminationId& id) {
  return id.side() == iq::SIDE_ACCESS ? Side::kAccess : Side::kCore;
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
    peers_.push_back(std::make_unique<TestPeer>(peer_count_++, std::move((*accepted)->fd),
                                                (*accepted)->remote, listener.tls,
                                                TlsRole::kServer));
  }
}

TestPeer* IqScene::Connect(absl::string_view from, const TransportAddress& to, TestPeer::Tls tls) {
  const IpAddress ip = *IpAddress::Parse(from);
  if (ip.is_ipv4() != to.ip.is_ipv4()) return nullptr;
  agw::Tell(absl::StrCat("peer ", peers_.size(), " connects from ", from, " to ", to.ToString()));
  const PeerScope scope;
  absl::StatusOr<OwnedFd> fd = BindTcp({ip, 0});
  CHECK(fd.ok() && StartConnect(fd->get(), to).ok());
  peers_.push_back(
      std::make_unique<TestPeer>(peer_count_++, *std::move(fd), to, tls, TlsRole::kClient));
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

void IqScene::BeginCall() {
  BeginStep();
  if (is_checked_) before_ = PictureOf(*worker_);
}

void IqScene::BeginStep() { is_checked_ = ++step_count_ % check_interval_ == 0; }

void IqScene::Begin(const iq::TerminationId& id, const iq::LocalDescriptor& local) {
  const Side side = ToSide(id);
  const Key key{id.context_id(), id.stream_id(), side};
  // The request may be one of before, answered again.
  if (records_.count(key) > 0) return;
  auto record = std::make_shared<Record>();
  record->tls = local.transport_protocol() == iq::TRANSPORT_PROTOCOL_TCP_TLS ||
                local.transport_protocol() == iq::TRANSPORT_PROTOCOL_TCP_TLS_MSRP;
  record->msrp = local.transport_protocol() == iq::TRANSPORT_PROTOCOL_TCP_MSRP ||
                 local.transport_protocol() == iq::TRANSPORT_PROTOCOL_TCP_TLS_MSRP;
  const auto other = records_.find({id.context_id(), id.stream_id(), Opposite(side)});
  if (other != records_.end()) record->sources = other->second->peers;
  records_[key] = std::move(record);
}

void IqScene::EndCall(const absl::Status& status, const iq::TerminationId& termination) {
  agw::Tell(absl::StrCat("  ", status.ToString()));
  failed_call_count_ += !status.ok();
  if (!status.ok() && is_checked_) {
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
  if (status.ok()) ForgetReleased();
  Check(/*after_turn=*/false);
}

void IqScene::ForgetReleased() {
  std::set<Key> keys;
  for (const auto& [context_id, key] : worker_->Terminations()) {
    keys.emplace(context_id, key.stream_id, key.side);
  }
  for (auto record = records_.begin(); record != records_.end();) {
    record = keys.count(record->first) > 0 ? std::next(record) : records_.erase(record);
  }
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
  if (absl::holds_alternative<HangingTermination>(event.kind)) {
    for (auto record = records_.begin(); record != records_.end();) {
      record = std::get<0>(record->first) == event.context_id ? records_.erase(record)
                                                              : std::next(record);
    }
    return;
  }
  const auto record = records_.find({event.context_id, event.stream_id, *event.side});
  if (record == records_.end()) {
    Fail(absl::StrCat("reported of a termination that does not exist: ",
                      agw::ToProto(event).ShortDebugString()));
  }
  Record& own = *record->second;
  if (const auto* established = absl::get_if<TcpEstablished>(&event.kind)) {
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
    if (!own.tls || own.peers.empty()) Fail("a fingerprint was verified without TLS");
    receptions_[own.peers.back()].verified = true;
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
  if (record.tls && !reception.verified) Fail("octets were sent to somebody who is not verified");
  if (record.msrp) {
    // They are changed.
    reception.checked = received.size();
    return;
  }
  const absl::string_view rest = absl::string_view(received).substr(reception.checked);
  if (!reception.begun && record.peers.front() == &peer) reception.begun = true;
  if (!reception.begun) {
    // It has taken the place of another one amid the stream; few octets do not tell where.
    constexpr size_t kTellingSize = 8;
    if (rest.size() < kTellingSize) return;
    reception.begun = FindBeginning(rest, reception);
  }
  if (!reception.begun ||
      !IsPassedOn(record, rest, reception.source, reception.source_offset, reception)) {
    Fail(absl::StrCat("peer ", peer.number(), " received octets that nobody has sent, behind ",
                      reception.checked));
  }
  reception.checked = received.size();
}

// Whether `octets` are what the sources send, from this place on: of each a part, the next one's
// from its beginning. `reception` then goes on behind them.
bool IqScene::IsPassedOn(const Record& record, absl::string_view octets, size_t source,
                         uint64_t offset, Reception& reception) const {
  if (octets.empty()) {
    reception.source = source;
    reception.source_offset = offset;
    return true;
  }
  if (source >= record.sources.size()) return false;
  const TestPeer& peer = *record.sources[source];
  const Reception& of_peer = receptions_.at(&peer);
  const bool of_tls = of_peer.record->tls;
  // Anything may have come of those, or records of TLS.
  if (peer.sent_text() || (!of_tls && (peer.sent_raw() || peer.tls()))) return true;
  size_t size = 0;
  if (!of_tls || of_peer.verified) {
    const size_t left = peer.sent_byte_count() - std::min(offset, peer.sent_byte_count());
    const std::string sent = TestPeer::Octets(peer.number(), offset, std::min(octets.size(), left));
    while (size < sent.size() && sent[size] == octets[size]) ++size;
  }
  for (;; --size) {
    if (size == octets.size()) return IsPassedOn(record, "", source, offset + size, reception);
    if (IsPassedOn(record, octets.substr(size), source + 1, 0, reception)) return true;
    if (size == 0) return false;
  }
}

// Where in the sources' streams a peer begins that others have received a part of before.
bool IqScene::FindBeginning(absl::string_view octets, Reception& reception) const {
  const Record& record = *reception.record;
  for (size_t source = 0; source < record.sources.size(); ++source) {
    const TestPeer& peer = *record.sources[source];
    const std::string sent = TestPeer::Octets(peer.number(), 0, peer.sent_byte_count());
    for (size_t offset = sent.find(octets[0]); offset != std::string::npos;
         offset = sent.find(octets[0], offset + 1)) {
      if (!IsPassedOn(record, octets, source, offset, reception)) continue;
      reception.source = source;
      reception.source_offset = offset;
      return true;
    }
    if (peer.sent_text() || peer.sent_raw() || peer.tls()) return true;
  }
  return false;
}

void IqScene::RememberGates(const Audits& audits) {
  closed_gates_.clear();
  for (const auto& [id, audit] : audits) {
    for (const iq::TerminationAudit& from : audit.terminations()) {
      for (const iq::TerminationAudit& to : audit.terminations()) {
        if (from.termination().stream_id() != to.termination().stream_id()) continue;
        if (from.termination().side() == to.termination().side()) continue;
        const iq::StreamMode in = from.bearer_control().stream_mode();
        const iq::StreamMode out = to.bearer_control().stream_mode();
        if (in == iq::STREAM_MODE_SEND_ONLY || in == iq::STREAM_MODE_INACTIVE ||
            out == iq::STREAM_MODE_RECEIVE_ONLY || out == iq::STREAM_MODE_INACTIVE) {
          closed_gates_[from.termination().SerializeAsString()] =
              from.statistics().received_byte_count();
        }
      }
    }
  }
}

void IqScene::CheckGates(const Audits& audits) const {
  if (closed_gates_.empty()) return;
  for (const auto& [id, audit] : audits) {
    for (const iq::TerminationAudit& termination : audit.terminations()) {
      const auto closed = closed_gates_.find(termination.termination().SerializeAsString());
      if (closed != closed_gates_.end() &&
          termination.statistics().received_byte_count() != closed->second) {
        Fail(absl::StrCat("octets have passed a closed gate: ", termination.DebugString()));
      }
    }
  }
}

void IqScene::ForgetPeers() {
  CHECK(records_.empty());
  peers_.erase(std::remove_if(peers_.begin(), peers_.end(),
                              [this](const std::unique_ptr<TestPeer>& peer) {
                                if (peer->open()) return false;
                                receptions_.erase(peer.get());
                                return true;
                              }),
               peers_.end());
}

void IqScene::Check(bool after_turn) {
  if (!is_checked_) return;
  const Audits audits = worker_->Audit();
  const std::string untruth = FindUntruth(*worker_, audits);
  if (!untruth.empty()) {
    Fail(absl::StrCat("the audit is not true: ", untruth, "\n", PictureOf(*worker_).ToString()));
  }
  if (check_interval_ > 1) return;
  if (after_turn) CheckGates(audits);
  RememberGates(audits);
}

void IqScene::Turn() {
  BeginStep();
  worker_->Turn();
  Accept(ue_);
  Accept(core_);
  TakeEvents();
  if (worker_->admission().draining()) ForgetReleased();
  for (const std::unique_ptr<TestPeer>& peer : peers_) {
    const size_t before = peer->received().size();
    peer->Step();
    if (TellsStory() && peer->received().size() > before) {
      agw::Tell(
          absl::StrCat("  peer ", peer->number(), " receives ", peer->received().size() - before));
    }
    CheckReceived(*peer);
  }
  Check(/*after_turn=*/true);
}

void IqScene::Advance(absl::Duration time) {
  agw::Tell(absl::FormatDuration(time));
  kernel_.Advance(time);
  Turn();
}

void IqScene::Settle() {
  constexpr int kQuietTurns = 4;
  constexpr int kTurnLimit = 5000;
  const auto received = [this] {
    size_t count = 0;
    for (const std::unique_ptr<TestPeer>& peer : peers_) count += peer->received().size();
    return count;
  };
  int quiet = 0;
  for (int i = 0; i < kTurnLimit && quiet < kQuietTurns; ++i) {
    const size_t before = received();
    Turn();
    quiet = received() == before ? quiet + 1 : 0;
  }
}

void IqScene::Finish() {
  kernel_.set_failure(nullptr);
  kernel_.set_descriptor_limit(SIZE_MAX);
  Settle();
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
  if (worker_->context_count() > 0) Fail("a context is left");
  if (worker_->ports_in_use() > 0) Fail("a port is left");
  const WorkerResources& resources = worker_->resources();
  if (resources.handshake_queue.under_way_count() > 0 ||
      resources.handshake_queue.waiting_count() > 0) {
    Fail("a handshake is left");
  }
  if (resources.buffered_bytes.total() > 0) Fail("octets for a slow peer are left");
  const DescriptorBudget& budget = worker_->admission().descriptors();
  if (budget.available(/*privileged=*/true) != budget.capacity())
    Fail("a descriptor is set aside for nobody");
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
