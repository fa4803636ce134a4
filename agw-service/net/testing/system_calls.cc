// libc's functions, for programs that link this: what concerns a `FakeKernel` goes there, the rest
// to the kernel.

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>

#include "agw-service/net/testing/fake_kernel.h"

namespace {

agw::FakeKernel* Owner(int fd) {
  agw::FakeKernel* const kernel = agw::FakeKernel::Current();
  return kernel != nullptr && kernel->Owns(fd) ? kernel : nullptr;
}

}  // namespace

extern "C" {

int socket(int domain, int type, int protocol) noexcept {
  agw::FakeKernel* const kernel = agw::FakeKernel::Current();
  if (kernel != nullptr) return kernel->Socket();
  return static_cast<int>(syscall(SYS_socket, domain, type, protocol));
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Bind(fd, address);
  return static_cast<int>(syscall(SYS_bind, fd, address, size));
}

int listen(int fd, int backlog) noexcept {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Listen(fd, backlog);
  return static_cast<int>(syscall(SYS_listen, fd, backlog));
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Connect(fd, address);
  return static_cast<int>(syscall(SYS_connect, fd, address, size));
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Accept(fd, address, size);
  return static_cast<int>(syscall(SYS_accept4, fd, address, size, flags));
}

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Recv(fd, buffer, size);
  return syscall(SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr);
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Send(fd, bytes, size);
  return syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}

ssize_t read(int fd, void* buffer, size_t size) {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Recv(fd, buffer, size);
  return syscall(SYS_read, fd, buffer, size);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Send(fd, bytes, size);
  return syscall(SYS_write, fd, bytes, size);
}

int shutdown(int fd, int how) noexcept {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Shutdown(fd, how);
  return static_cast<int>(syscall(SYS_shutdown, fd, how));
}

int close(int fd) {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Close(fd);
  return static_cast<int>(syscall(SYS_close, fd));
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->SetOption(fd, level, name, value, size);
  return static_cast<int>(syscall(SYS_setsockopt, fd, level, name, value, size));
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->GetOption(fd, level, name, value, size);
  return static_cast<int>(syscall(SYS_getsockopt, fd, level, name, value, size));
}

int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->GetName(fd, address, size, false);
  return static_cast<int>(syscall(SYS_getsockname, fd, address, size));
}

int getpeername(int fd, sockaddr* address, socklen_t* size) noexcept {
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->GetName(fd, address, size, true);
  return static_cast<int>(syscall(SYS_getpeername, fd, address, size));
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (agw::FakeKernel* kernel = Owner(fd)) return kernel->Ioctl(fd, request, argument);
  return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}

int epoll_create1(int flags) noexcept {
  agw::FakeKernel* const kernel = agw::FakeKernel::Current();
  if (kernel != nullptr) return kernel->EpollCreate();
  return static_cast<int>(syscall(SYS_epoll_create1, flags));
}

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (agw::FakeKernel* kernel = Owner(epoll)) {
    return kernel->EpollControl(epoll, operation, fd, event);
  }
  return static_cast<int>(syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

// Nothing comes while one waits: time stands still.
int epoll_wait(int epoll, epoll_event* events, int limit, int timeout) {
  if (agw::FakeKernel* kernel = Owner(epoll)) return kernel->EpollWait(epoll, events, limit);
  return static_cast<int>(syscall(SYS_epoll_pwait, epoll, events, limit, timeout, nullptr, 8));
}

int eventfd(unsigned int count, int flags) noexcept {
  agw::FakeKernel* const kernel = agw::FakeKernel::Current();
  if (kernel != nullptr) return kernel->EventFd();
  return static_cast<int>(syscall(SYS_eventfd2, count, flags));
}

}  // extern "C"
