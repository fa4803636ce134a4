#include "agw-service/net/testing/failing_calls.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace agw {

FailingCalls& failing_calls() {
  thread_local FailingCalls calls;
  return calls;
}

namespace {

template <typename... Arguments>
int CallUnless(int error, long number, Arguments... arguments) {
  if (error == 0) return static_cast<int>(syscall(number, arguments...));
  errno = error;
  return -1;
}

}  // namespace
}  // namespace agw

extern "C" {

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return agw::CallUnless(agw::failing_calls().accept, SYS_accept4, fd, address, size, flags);
}

int socket(int domain, int type, int protocol) noexcept {
  return agw::CallUnless(agw::failing_calls().socket, SYS_socket, domain, type, protocol);
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  return agw::CallUnless(agw::failing_calls().bind, SYS_bind, fd, address, size);
}

int listen(int fd, int backlog) noexcept {
  return agw::CallUnless(agw::failing_calls().listen, SYS_listen, fd, backlog);
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  return agw::CallUnless(agw::failing_calls().connect, SYS_connect, fd, address, size);
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  const bool is_filter = level == SOL_SOCKET && name == SO_ATTACH_FILTER;
  return agw::CallUnless(is_filter ? agw::failing_calls().attach_filter : 0, SYS_setsockopt, fd,
                         level, name, value, size);
}

}  // extern "C"
