#include "agw-service/bearer/tcp_stream.h"

#include "agw-service/net/socket.h"
#include "common/status_macros.h"

namespace agw {

absl::StatusOr<ByteStream::ReadResult> TcpStream::Read(size_t limit) {
  const absl::Span<char> buffer = scratch_.received().first(limit);
  ASSIGN_OR_RETURN(const RecvResult received, Recv(fd_.get(), buffer));
  return ReadResult{.bytes = buffer.first(received.byte_count),
                    .end_of_stream = received.end_of_stream,
                    .full = received.byte_count == limit};
}

void TcpStream::ResetOnClose() { SetResetOnClose(fd_.get()); }

}  // namespace agw
