#include "agw-service/control/testing/audit_check.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/control/proto_conversion.h"
#include "agw-service/net/testing/fake_kernel.h"
#include "common/check.h"
#include "common/ip_address.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;
using common::IpAddress;
using common::TransportAddress;
using Kind = ShownDescriptor::Kind;

// Sockets that are read to their end before they are closed, of one worker.
constexpr int64_t kDrainingLimit = 32;

// The default one if it is absent.
TransportAddress ToAddress(const iq::TransportAddress& address) {
  if (address.ip_address().empty()) return {};
  return {*IpAddress::Parse(address.ip_address()), static_cast<uint16_t>(address.port())};
}

// Whether a next connection is being made, or waited for, beside the present one.
bool IsReplacing(const iq::TerminationAudit& audit) {
  return audit.next_connection_state() != iq::TerminationAudit::STATE_UNSPECIFIED;
}

// Of the connection that is being made, if there is another one, too.
iq::TerminationAudit::State SetupState(const iq::TerminationAudit& audit) {
  return IsReplacing(audit) ? audit.next_connection_state() : audit.state();
}

// Whether the orders let a SYN from `source` in.
bool IsLetIn(const iq::TerminationAudit& audit, const TransportAddress& source) {
  const iq::BearerControl& control = audit.bearer_control();
  if (SetupState(audit) != iq::TerminationAudit::STATE_IDLE) return false;
  if (control.tcp_role() == iq::TCP_ROLE_ACTIVE) return false;
  if (control.syn_policy().has_latch()) return true;
  if (!control.syn_policy().has_accept_from()) return false;
  const auto& sources = control.syn_policy().accept_from().sources();
  if (sources.empty()) return source.ip == ToAddress(audit.remote().address()).ip;
  const absl::StatusOr<BearerControl> orders = ToBearerControl(control, /*orders_allowed=*/true);
  CHECK(orders.ok());
  const std::vector<SourceFilter>& filters = orders->syn_policy->sources;
  return std::any_of(filters.begin(), filters.end(),
                     [&](const SourceFilter& filter) { return filter.Matches(source); });
}

// Of one worker at one moment.
class Comparison {
 public:
  explicit Comparison(IqWorker& worker) : worker_(worker) {
    for (const ShownDescriptor& descriptor : worker.kernel().Descriptors()) {
      if (descriptor.kind == Kind::kEpoll || descriptor.kind == Kind::kEventFd) {
        ++loop_descriptor_count_;
      } else {
        sockets_[descriptor.local.ToString()].push_back(descriptor);
      }
    }
  }

  std::string FindUntruth(const Audits& audits) {
    int64_t termination_count = 0;
    int64_t replacing_count = 0;
    for (const auto& [id, audit] : audits) {
      for (const iq::TerminationAudit& termination : audit.terminations()) {
        ++termination_count;
        replacing_count += IsReplacing(termination);
        const std::string untruth = CheckTermination(termination);
        if (!untruth.empty()) {
          return absl::StrCat(untruth, "\nthe audit: ", termination.DebugString());
        }
      }
    }
    int64_t draining_count = 0;
    for (const auto& [local, rest] : sockets_) {
      for (const ShownDescriptor& socket : rest) {
        // Of the others nothing else is left.
        if (socket.kind != Kind::kConnected && socket.kind != Kind::kEnded) {
          return absl::StrCat("belongs to no termination: ", socket.ToString());
        }
        if (!socket.watched) return absl::StrCat("is forgotten: ", socket.ToString());
        ++draining_count;
      }
    }
    const DescriptorBudget& budget = worker_.admission().descriptors();
    const int64_t taken = budget.capacity() - budget.available(/*privileged=*/true);
    if (taken !=
        termination_count * kDescriptorsPerTermination + replacing_count + draining_count) {
      return absl::StrCat(taken, " descriptors are set aside for ", termination_count,
                          " terminations, ", replacing_count, " more connections and ",
                          draining_count, " sockets that are read to their end");
    }
    if (draining_count > kDrainingLimit) return "too many sockets are read to their end";
    if (loop_descriptor_count_ != kDescriptorsPerEventLoop) return "an event loop too many";
    if (worker_.ports_in_use() < static_cast<size_t>(termination_count)) {
      return absl::StrCat(worker_.ports_in_use(), " ports in use");
    }
    if (worker_.admission().context_count() != audits.size() ||
        worker_.context_count() != audits.size()) {
      return absl::StrCat(worker_.admission().context_count(), " contexts are admitted, ",
                          worker_.context_count(), " are there, ", audits.size(), " are known");
    }
    return "";
  }

 private:
  // Takes the sockets of the termination away.
  std::string CheckTermination(const iq::TerminationAudit& audit) {
    std::vector<ShownDescriptor>& sockets = sockets_[ToAddress(audit.local_address()).ToString()];
    const auto listener = std::find_if(sockets.begin(), sockets.end(), [](const auto& socket) {
      return socket.kind == Kind::kListening;
    });
    if (listener != sockets.end()) {
      const std::string untruth = CheckGate(audit, *listener);
      if (!untruth.empty()) return untruth;
      sockets.erase(listener);
    } else if (SetupState(audit) == iq::TerminationAudit::STATE_IDLE) {
      return "nobody listens";
    }
    if (audit.state() == iq::TerminationAudit::STATE_ESTABLISHED) {
      const TransportAddress remote = ToAddress(audit.connected_address());
      // One that both ends have shut down may have to wait.
      const std::string untruth = TakeConnection(sockets, [&](const ShownDescriptor& socket) {
        return socket.remote == remote && socket.kind != Kind::kConnecting &&
               (socket.watched || socket.kind == Kind::kEnded);
      });
      if (!untruth.empty()) return untruth;
    } else if (audit.has_connected_address()) {
      return "is connected and is not";
    }
    // Its beginning, or its end, may not have been noticed yet.
    const TransportAddress remote = ToAddress(audit.remote().address());
    switch (SetupState(audit)) {
      case iq::TerminationAudit::STATE_CONNECTING:
        return TakeConnection(sockets, [&](const ShownDescriptor& socket) {
          return socket.remote == remote && socket.watched;
        });
      case iq::TerminationAudit::STATE_TLS_HANDSHAKE:
        // Who comes to replace the present one may come from anywhere the gate lets in.
        return TakeConnection(sockets, [&](const ShownDescriptor& socket) {
          return (socket.remote == remote || IsReplacing(audit)) &&
                 socket.kind != Kind::kConnecting && socket.watched;
        });
      case iq::TerminationAudit::STATE_IDLE:
      case iq::TerminationAudit::STATE_ESTABLISHED:
      case iq::TerminationAudit::STATE_RELEASED:
      case iq::TerminationAudit::STATE_FAILED:
        return "";
      default:
        return "a state without a name";
    }
  }

  std::string CheckGate(const iq::TerminationAudit& audit, const ShownDescriptor& listener) const {
    for (const char* source : {IqWorker::kUe, IqWorker::kCorePeer, IqWorker::kStranger,
                               IqWorker::kUeIpv6, IqWorker::kCorePeerIpv6}) {
      const TransportAddress address{*IpAddress::Parse(source), 5060};
      if (address.ip.is_ipv4() != listener.local.ip.is_ipv4()) continue;
      if (worker_.kernel().Admits(listener.fd, address) != IsLetIn(audit, address)) {
        return absl::StrCat("the gate has not been told of ", source);
      }
    }
    return "";
  }

  template <typename Condition>
  static std::string TakeConnection(std::vector<ShownDescriptor>& sockets, Condition condition) {
    const auto connection = std::find_if(sockets.begin(), sockets.end(), condition);
    if (connection == sockets.end()) return "there is no such connection";
    sockets.erase(connection);
    return "";
  }

  IqWorker& worker_;
  int loop_descriptor_count_ = 0;
  std::map<std::string, std::vector<ShownDescriptor>> sockets_;  // By local address.
};

}  // namespace

std::string FindUntruth(IqWorker& worker, const Audits& audits) {
  return Comparison(worker).FindUntruth(audits);
}

std::string WorkerPicture::ToString() const {
  std::string text =
      absl::StrCat(context_count, " contexts, ", descriptors_left, " descriptors left\n");
  for (const auto& [id, audit] : audits) absl::StrAppend(&text, audit.DebugString());
  for (const ShownDescriptor& descriptor : descriptors) {
    absl::StrAppend(&text, descriptor.ToString(), "\n");
  }
  return text;
}

bool operator==(const WorkerPicture& a, const WorkerPicture& b) {
  return a.context_count == b.context_count && a.descriptors_left == b.descriptors_left &&
         a.descriptors == b.descriptors &&
         std::equal(a.audits.begin(), a.audits.end(), b.audits.begin(), b.audits.end(),
                    [](const auto& one, const auto& other) {
                      return one.first == other.first &&
                             one.second.SerializeAsString() == other.second.SerializeAsString();
                    });
}

WorkerPicture PictureOf(IqWorker& worker) {
  auto audits = worker.Audit();
  for (auto& [id, audit] : audits) {
    audit.clear_history();
    audit.clear_forgotten_history_count();
  }
  return {std::move(audits), worker.kernel().Descriptors(), worker.admission().context_count(),
          worker.admission().descriptors().available(/*privileged=*/true)};
}

}  // namespace agw
