// A file descriptor with an owner.

#ifndef AGW_SERVICE_NET_OWNED_FD_H_
#define AGW_SERVICE_NET_OWNED_FD_H_

#include <unistd.h>

#include <utility>

namespace agw {

// Closes the descriptor when it goes. Empty (-1) by default and after a move.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~OwnedFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // Gives the descriptor away.
  int release() { return std::exchange(fd_, -1); }

  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace agw

#endif  // AGW_SERVICE_NET_OWNED_FD_H_
