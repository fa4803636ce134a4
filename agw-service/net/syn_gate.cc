#include "agw-service/net/syn_gate.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agw-service/net/owned_fd.h"
#include "common/check.h"

namespace agw {
namespace {

// Where the source address stands in the IP header, and its size in 32-bit words.
constexpr uint32_t kIpv4SourceOffset = 12;
constexpr uint32_t kIpv6SourceOffset = 8;

constexpr uint32_t kPass = 0xffffffff;
constexpr uint32_t kDrop = 0;

sock_filter Statement(uint16_t code, uint32_t k) { return {code, 0, 0, k}; }

uint32_t Mask(uint32_t bits) { return bits == 0 ? 0 : ~uint32_t{0} << (32 - bits); }

uint32_t WordOf(const common::IpAddress& ip, size_t index) {
  const uint8_t* byte = ip.bytes().data() + 4 * index;
  return uint32_t{byte[0]} << 24 | uint32_t{byte[1]} << 16 | uint32_t{byte[2]} << 8 | byte[3];
}

absl::Status Attach(int fd, std::vector<sock_filter>& program) {
  const sock_fprog bpf{.len = static_cast<uint16_t>(program.size()), .filter = program.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &bpf, sizeof(bpf)) != 0) {
    const int error = errno;
    absl::StatusCode code = absl::StatusCode::kInternal;
    if (error == EPERM) code = absl::StatusCode::kPermissionDenied;
    if (error == ENOMEM || error == ENOBUFS) code = absl::StatusCode::kResourceExhausted;
    return absl::Status(code, absl::StrCat("SO_ATTACH_FILTER: ", std::strerror(error)));
  }
  return absl::OkStatus();
}

// Puts CAP_NET_ADMIN in effect if the process has it at its disposal: the file capability of the
// program in our image does not do so by itself, since the kernel would then refuse to start it
// wherever the container is not allowed it. Of the calling thread, and of those it makes later.
void RaiseNetAdmin() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, sets) != 0) return;
  __user_cap_data_struct& set = sets[CAP_TO_INDEX(CAP_NET_ADMIN)];
  set.effective |= set.permitted & CAP_TO_MASK(CAP_NET_ADMIN);
  // Whether that has helped is seen when a filter is attached.
  (void)!syscall(SYS_capset, &header, sets);
}

// One test per word of the address and one for the port; a failed one jumps to the next source.
// A socket filter starts at the TCP header, whose first field is the source port; the IP header is
// reached with SKF_NET_OFF.
void AppendSource(const SourceFilter& source, std::vector<sock_filter>& program) {
  std::vector<sock_filter> tests;
  const uint32_t offset = source.ip.is_ipv4() ? kIpv4SourceOffset : kIpv6SourceOffset;
  for (uint32_t word = 0; word * 32 < source.prefix_length; ++word) {
    const uint32_t mask = Mask(std::min<uint32_t>(32, source.prefix_length - word * 32));
    tests.push_back(Statement(BPF_LD | BPF_W | BPF_ABS,
                              static_cast<uint32_t>(SKF_NET_OFF) + offset + 4 * word));
    if (mask != ~uint32_t{0}) tests.push_back(Statement(BPF_ALU | BPF_AND | BPF_K, mask));
    tests.push_back(Statement(BPF_JMP | BPF_JEQ | BPF_K, WordOf(source.ip, word) & mask));
  }
  if (source.port != 0) {
    tests.push_back(Statement(BPF_LD | BPF_H | BPF_ABS, 0));
    tests.push_back(Statement(BPF_JMP | BPF_JEQ | BPF_K, source.port));
  }
  tests.push_back(Statement(BPF_RET | BPF_K, kPass));
  for (size_t i = 0; i < tests.size(); ++i) {
    if (BPF_CLASS(tests[i].code) == BPF_JMP)
      tests[i].jf = static_cast<uint8_t>(tests.size() - i - 1);
  }
  program.insert(program.end(), tests.begin(), tests.end());
}

}  // namespace

bool SourceFilter::Matches(const common::TransportAddress& source) const {
  if (source.ip.is_ipv4() != ip.is_ipv4()) return false;
  if (port != 0 && source.port != port) return false;
  for (uint32_t word = 0; word * 32 < prefix_length; ++word) {
    const uint32_t mask = Mask(std::min<uint32_t>(32, prefix_length - word * 32));
    if (((WordOf(source.ip, word) ^ WordOf(ip, word)) & mask) != 0) return false;
  }
  return true;
}

absl::Status CheckSynGatePermission() {
  const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return absl::InternalError(absl::StrCat("socket: ", std::strerror(errno)));
  RaiseNetAdmin();
  const absl::Status attached = CloseSynGate(fd.get());
  if (attached.code() != absl::StatusCode::kPermissionDenied) return attached;
  return absl::PermissionDeniedError(
      "this kernel lets only processes with CAP_NET_ADMIN attach packet filters to TCP sockets, "
      "which the IMS-AGW drops SYNs with: grant it that capability, and no other");
}

absl::Status CloseSynGate(int fd) {
  std::vector<sock_filter> program = {Statement(BPF_RET | BPF_K, kDrop)};
  return Attach(fd, program);
}

absl::Status OpenSynGateFor(int fd, absl::Span<const SourceFilter> sources) {
  CHECK(!sources.empty() && sources.size() <= kSourceFilterLimit);
  std::vector<sock_filter> program;
  for (const SourceFilter& source : sources) AppendSource(source, program);
  program.push_back(Statement(BPF_RET | BPF_K, kDrop));
  return Attach(fd, program);
}

absl::Status OpenSynGate(int fd) {
  const int unused = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) != 0) {
    const int error = errno;
    if (error != ENOENT) {  // There was none.
      return absl::InternalError(absl::StrCat("SO_DETACH_FILTER: ", std::strerror(error)));
    }
  }
  return absl::OkStatus();
}

void SetHopGate(int fd, bool on) {
  const int limit = on ? 255 : 0;
  int family = AF_INET;
  socklen_t size = sizeof(family);
  CHECK(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0);
  CHECK((family == AF_INET
             ? setsockopt(fd, IPPROTO_IP, IP_MINTTL, &limit, sizeof(limit))
             : setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &limit, sizeof(limit))) == 0);
}

uint64_t DroppedAtSynGate(int fd) {
  uint32_t memory_info[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof(memory_info);
  CHECK(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory_info, &size) == 0);
  return memory_info[SK_MEMINFO_DROPS];
}

}  // namespace agw
