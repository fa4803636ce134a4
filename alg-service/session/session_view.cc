#include "alg-service/session/session_view.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "alg-service/session/session_record.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;
using ims::alg::v1::BearerState;
using ims::alg::v1::Stream;
using ims::alg::v1::StreamEnd;

BearerState ToBearerState(iq::TerminationAudit::State state) {
  switch (state) {
    case iq::TerminationAudit::STATE_IDLE:
      return ims::alg::v1::BEARER_STATE_IDLE;
    case iq::TerminationAudit::STATE_CONNECTING:
    case iq::TerminationAudit::STATE_TLS_HANDSHAKE:
      return ims::alg::v1::BEARER_STATE_CONNECTING;
    case iq::TerminationAudit::STATE_ESTABLISHED:
      return ims::alg::v1::BEARER_STATE_ESTABLISHED;
    case iq::TerminationAudit::STATE_RELEASED:
      return ims::alg::v1::BEARER_STATE_RELEASED;
    case iq::TerminationAudit::STATE_FAILED:
      return ims::alg::v1::BEARER_STATE_FAILED;
    default:
      return ims::alg::v1::BEARER_STATE_UNSPECIFIED;
  }
}

std::string ToText(const iq::TransportAddress& address) {
  if (address.ip_address().empty()) return "";
  const bool is_ipv6 = absl::StrContains(address.ip_address(), ':');
  return is_ipv6 ? absl::StrCat("[", address.ip_address(), "]:", address.port())
                 : absl::StrCat(address.ip_address(), ":", address.port());
}

void SetStatistics(const iq::TerminationStatistics& statistics, StreamEnd* end) {
  end->set_received_byte_count(statistics.received_byte_count());
  end->set_sent_byte_count(statistics.sent_byte_count());
  if (statistics.has_duration()) *end->mutable_duration() = statistics.duration();
}

// The end of the stream that `id` names, in `streams`.
StreamEnd* EndOf(const iq::TerminationId& id, std::map<uint32_t, Stream>& streams) {
  Stream& stream = streams[id.stream_id()];
  stream.set_media_index(id.stream_id());
  return id.side() == iq::SIDE_ACCESS ? stream.mutable_access() : stream.mutable_core();
}

}  // namespace

ims::alg::v1::Session ToSession(const iq::AuditContextResponse& audit,
                                const ims::alg::v1::SessionRecord& record) {
  ims::alg::v1::Session session;
  session.set_state(StateOf(record));
  *session.mutable_dialogue() = record.dialogue();
  *session.mutable_creation_time() = audit.creation_time();
  std::map<uint32_t, Stream> streams;
  for (const iq::TerminationAudit& termination : audit.terminations()) {
    StreamEnd* end = EndOf(termination.termination(), streams);
    end->set_state(ToBearerState(termination.state()));
    end->set_local_address(ToText(termination.local_address()));
    end->set_remote_address(ToText(termination.remote().address()));
    SetStatistics(termination.statistics(), end);
  }
  for (auto& [id, stream] : streams) *session.add_streams() = std::move(stream);
  return session;
}

std::vector<Stream> ToStreams(const iq::ReleaseTerminationResponse& release) {
  std::map<uint32_t, Stream> streams;
  for (const iq::TerminationStatistics& statistics : release.terminations()) {
    StreamEnd* end = EndOf(statistics.termination(), streams);
    const bool was_established =
        statistics.duration().seconds() > 0 || statistics.duration().nanos() > 0;
    end->set_state(was_established ? ims::alg::v1::BEARER_STATE_RELEASED
                                   : ims::alg::v1::BEARER_STATE_IDLE);
    SetStatistics(statistics, end);
  }
  std::vector<Stream> result;
  for (auto& [id, stream] : streams) result.push_back(std::move(stream));
  return result;
}

}  // namespace alg
