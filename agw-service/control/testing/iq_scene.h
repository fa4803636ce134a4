// A worker on a `FakeKernel` with its peers, where everything that happens is checked:
//
//   * audits are true (see audit_check.h), after every step;
//   * a call that fails has changed nothing, and reported nothing;
//   * no octet passes before the certificates of both sides are verified (R-AGW-07), nor through a
//     gate that is closed (R-AGW-11), and what passes is neither changed nor reordered;
//   * nothing is reported of a termination that has been released;
//   * in the end nothing is left.
//
// Whatever is found wrong ends the process, with words. With IQ_SCENE_STORY in the environment all
// that happens is told.

#ifndef AGW_SERVICE_CONTROL_TESTING_IQ_SCENE_H_
#define AGW_SERVICE_CONTROL_TESTING_IQ_SCENE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <typeindex>
#include <typeinfo>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/bearer/side.h"
#include "agw-service/context/event.h"
#include "agw-service/control/testing/audit_check.h"
#include "agw-service/control/testing/iq_worker.h"
#include "agw-service/control/testing/test_peer.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/net/testing/fake_kernel.h"
#include "common/ip_address.h"
#include "google/protobuf/message.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "ims/iq/v1/termination.pb.h"

namespace agw {

class IqScene {
 public:
  explicit IqScene(const IqWorker::Options& options);
  ~IqScene();

  IqScene(const IqScene&) = delete;
  IqScene& operator=(const IqScene&) = delete;

  FakeKernel& kernel() { return kernel_; }
  IqWorker& worker() { return *worker_; }

  // Where peers listen: UEs that are TLS servers, and core peers.
  const common::TransportAddress& ue_address() const { return ue_.address; }
  const common::TransportAddress& core_address() const { return core_.address; }

  // Whether they do.
  void SetListening(bool ue, bool listening);

  template <typename Request>
  auto Call(const Request& request) {
    Tell(request);
    BeginCall();
    auto response = worker_->Call(request);
    if constexpr (requires { request.local(); }) {
      if (response.ok()) Begin(request.termination(), request.local());
    }
    EndCall(response.status(), request.termination());
    return response;
  }

  // Of a termination; nullopt if there is none.
  absl::optional<common::TransportAddress> AddressOf(
      const ims::iq::v1::TerminationId& termination) const;

  // A SYN to `to`. nullptr if `from` has the other family.
  TestPeer* Connect(absl::string_view from, const common::TransportAddress& to, TestPeer::Tls tls);

  // Every peer there was, closed ones too. Those who were connected to by the worker come with the
  // turn in which they accept.
  const std::vector<std::unique_ptr<TestPeer>>& peers() const { return peers_; }

  // Those that are closed need not be remembered any more. There is no termination.
  void ForgetPeers();

  // What takes long is checked in every `interval`th step. Default: in each.
  void set_check_interval(int interval) { check_interval_ = interval; }

  // One turn of the worker, and of all peers.
  void Turn();
  void Turns(int count) {
    for (int i = 0; i < count; ++i) Turn();
  }
  // Until octets stand still.
  void Settle();

  void Advance(absl::Duration time);

  // From now on peers are still; everything that waits for them ends by its timers. Then they go,
  // and so does the rest.
  void Finish();

  // The worker ends amid everything.
  void EndWorker();

  // So far.
  size_t failed_call_count() const { return failed_call_count_; }
  template <typename Kind>
  size_t Count() const {
    const auto count = event_counts_.find(typeid(Kind));
    return count == event_counts_.end() ? 0 : count->second;
  }

 private:
  // One termination from its reservation to its release.
  struct Record {
    bool tls = false;
    bool msrp = false;
    std::vector<TestPeer*> peers;    // Its own, in the order of their connections.
    std::vector<TestPeer*> sources;  // Whose octets may come from the other side.
  };
  using Key = std::tuple<std::string, uint32_t, Side>;

  struct PeerListener {
    common::TransportAddress address;
    OwnedFd fd;
    TestPeer::Tls tls;
  };

  // Where a peer is in what it receives.
  struct Reception {
    std::shared_ptr<Record> record;
    bool verified = false;
    size_t checked = 0;  // Octets.
    bool begun = false;  // The following are known.
    size_t source = 0;   // In `Record::sources`.
    uint64_t source_offset = 0;
  };

  static void Tell(const google::protobuf::Message& request);
  void BeginStep();
  void BeginCall();
  void Begin(const ims::iq::v1::TerminationId& id, const ims::iq::v1::LocalDescriptor& local);
  void EndCall(const absl::Status& status, const ims::iq::v1::TerminationId& termination);
  void Listen(PeerListener& listener);
  void Accept(PeerListener& listener);
  void ForgetReleased();
  void TakeEvents();
  void TakeEvent(const Event& event);
  void CheckReceived(TestPeer& peer);
  bool IsPassedOn(const Record& record, absl::string_view octets, size_t source, uint64_t offset,
                  Reception& reception) const;
  bool FindBeginning(absl::string_view octets, Reception& reception) const;
  void RememberGates(const Audits& audits);
  void CheckGates(const Audits& audits) const;
  void Check(bool after_turn);

  FakeKernel kernel_;
  std::unique_ptr<IqWorker> worker_;
  PeerListener ue_;
  PeerListener core_;
  std::vector<std::unique_ptr<TestPeer>> peers_;
  std::map<Key, std::shared_ptr<Record>> records_;  // Of terminations that exist.
  std::map<const TestPeer*, Reception> receptions_;
  uint32_t peer_count_ = 0;  // Those that were forgotten included.
  int check_interval_ = 1;
  int step_count_ = 0;
  bool is_checked_ = true;  // The present step.
  size_t failed_call_count_ = 0;
  std::map<std::type_index, size_t> event_counts_;
  absl::optional<WorkerPicture> before_;  // The call.

  // Octets received by terminations through which nothing may pass, before a turn.
  std::map<std::string, uint64_t> closed_gates_;
  const absl::Duration quarantine_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_TESTING_IQ_SCENE_H_
