#include "agw-service/net/testing/packet_filter.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/check.h"

namespace agw {
namespace {

using common::TransportAddress;

// The headers of a segment, as far as a filter may ask for them.
class Segment {
 public:
  Segment(const TransportAddress& source, const TransportAddress& destination) {
    const size_t size = source.ip.bytes().size();
    const size_t source_offset = size == 4 ? 12 : 8;
    network_.resize(source_offset + 2 * size);
    network_[0] = size == 4 ? 0x45 : 0x60;
    std::copy_n(source.ip.bytes().data(), size, &network_[source_offset]);
    std::copy_n(destination.ip.bytes().data(), size, &network_[source_offset + size]);
    transport_.resize(20);
    transport_[0] = static_cast<uint8_t>(source.port >> 8);
    transport_[1] = static_cast<uint8_t>(source.port);
    transport_[2] = static_cast<uint8_t>(destination.port >> 8);
    transport_[3] = static_cast<uint8_t>(destination.port);
  }

  // False behind the end: the kernel then drops the packet.
  bool Load(uint32_t offset, uint32_t size, uint32_t& value) const {
    const std::vector<uint8_t>* header = &transport_;
    if (static_cast<int32_t>(offset) < 0) {
      header = &network_;
      offset -= static_cast<uint32_t>(SKF_NET_OFF);
    }
    if (offset > header->size() || size > header->size() - offset) return false;
    value = 0;
    for (uint32_t i = 0; i < size; ++i) value = value << 8 | (*header)[offset + i];
    return true;
  }

 private:
  std::vector<uint8_t> network_;
  std::vector<uint8_t> transport_;
};

}  // namespace

bool PassesFilter(absl::Span<const sock_filter> program, const TransportAddress& source,
                  const TransportAddress& destination) {
  const Segment segment(source, destination);
  uint32_t accumulator = 0;
  for (size_t i = 0; i < program.size(); ++i) {
    const sock_filter& statement = program[i];
    switch (statement.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (!segment.Load(statement.k, 4, accumulator)) return false;
        break;
      case BPF_LD | BPF_H | BPF_ABS:
        if (!segment.Load(statement.k, 2, accumulator)) return false;
        break;
      case BPF_LD | BPF_B | BPF_ABS:
        if (!segment.Load(statement.k, 1, accumulator)) return false;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= statement.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        i += accumulator == statement.k ? statement.jt : statement.jf;
        break;
      case BPF_RET | BPF_K:
        return statement.k != 0;
      default:
        CHECK(!"a statement that this filter does not know");
    }
  }
  CHECK(!"the kernel refuses programs without a return at their end");
  return false;
}

}  // namespace agw
