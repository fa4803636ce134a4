#include "agw-service/context/draining_sockets.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "agw-service/net/socket.h"
#include "agw-service/net/timer.h"
#include "common/status_macros.h"

namespace agw {
namespace {

constexpr absl::Duration kTimeLimit = absl::Seconds(1);
constexpr size_t kByteLimit = 256 * 1024;
constexpr size_t kSocketLimit = 32;

}  // namespace

class DrainingSockets::Socket final : public ReadinessHandler {
 public:
  Socket(DrainingSockets& owner, DescriptorLease descriptor, OwnedFd fd)
      : owner_(owner),
        descriptor_(std::move(descriptor)),
        fd_(std::move(fd)),
        time_limit_(owner.loop_) {}
  ~Socket() {
    if (watched_) owner_.loop_.Remove(fd_.get());
  }

  // Errors: those of `EventLoop::Add()`.
  absl::Status Watch() {
    RETURN_IF_ERROR(owner_.loop_.Add(fd_.get(), *this));
    watched_ = true;
    owner_.loop_.SetInterest(fd_.get(), /*readable=*/true, /*writable=*/false);
    time_limit_.Start(kTimeLimit, [this] { Close(); });
    return absl::OkStatus();
  }

  void OnReady(const Readiness&) override {
    const absl::StatusOr<RecvResult> received = Recv(fd_.get(), owner_.scratch_.received());
    if (!received.ok() || received->end_of_stream) return Close();
    dropped_byte_count_ += received->byte_count;
    if (dropped_byte_count_ > kByteLimit) Close();
  }

 private:
  // Destroys this.
  void Close() { owner_.sockets_.erase(fd_.get()); }

  DrainingSockets& owner_;
  const DescriptorLease descriptor_;  // Given back when the socket is closed.
  const OwnedFd fd_;
  bool watched_ = false;
  Timer time_limit_;
  size_t dropped_byte_count_ = 0;
};

DrainingSockets::DrainingSockets(EventLoop& loop, Scratch& scratch, DescriptorBudget& descriptors)
    : loop_(loop), scratch_(scratch), descriptors_(descriptors) {}

DrainingSockets::~DrainingSockets() = default;

void DrainingSockets::Add(OwnedFd fd) {
  if (sockets_.size() == kSocketLimit) return;
  absl::optional<DescriptorLease> descriptor = descriptors_.Take(1);
  if (!descriptor.has_value()) return;
  const int number = fd.get();
  auto socket = std::make_unique<Socket>(*this, *std::move(descriptor), std::move(fd));
  if (socket->Watch().ok()) sockets_.emplace(number, std::move(socket));
}

}  // namespace agw
