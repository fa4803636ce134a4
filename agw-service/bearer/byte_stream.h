// A `ByteStream` is one of the two connections of a media stream: TCP, with or without TLS, or a
// fake in a test. Whoever moves bytes through it need not know which.
//
// Memory. A byte stream at rest owns no buffer. Bytes read lie in the worker's scratch memory,
// which all its byte streams share, and must be passed on before anything else is read; only what a
// slow peer refuses is kept, by the stream it was written to, and its owner reads no more from the
// other side until that is gone.

#ifndef AGW_SERVICE_BEARER_BYTE_STREAM_H_
#define AGW_SERVICE_BEARER_BYTE_STREAM_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agw-service/net/owned_fd.h"

namespace agw {

// Non-blocking. Lives on one worker.
//
// After a method has returned an error the stream is broken: destroying it is all that is left. A
// connection that is reset, by either end, reports `kUnavailable`; a violation of TLS `kDataLoss`;
// a peer TCP gave up on `kDeadlineExceeded`.
class ByteStream {
 public:
  struct ReadResult {
    // In the worker's scratch memory: valid until the next `Read()` of any stream of the worker.
    absl::Span<const char> bytes;

    // The peer sends no more; it may still receive. Do not read again.
    bool end_of_stream = false;

    // There was as much as could be taken, so there is likely to be more.
    bool full = false;
  };

  virtual ~ByteStream() = default;

  // Reads what there is, up to `limit` octets, which is `kTurnSize` or `kBusyTurnSize`. No bytes
  // and no end means: wait for the stream to become readable.
  virtual absl::StatusOr<ReadResult> Read(size_t limit) = 0;

  // Takes all of `bytes`: one `Read()` full, or what a transformer made of it. Only before
  // `CloseWrite()`, and while `unsent_byte_count()` is zero; the last octets of a transformer,
  // which come with the end of the source, are taken in any case.
  virtual absl::Status Write(absl::Span<const char> bytes) = 0;

  // Tells the peer that nothing follows, after all that was written: FIN, after close_notify where
  // there is TLS. Reading goes on. Called once.
  virtual absl::Status CloseWrite() = 0;

  // Sends what the peer refused earlier. Call it when the stream becomes writable.
  virtual absl::Status Flush() = 0;

  // Octets on the wire that the peer has refused so far; an end that waits behind them counts as
  // one.
  virtual size_t unsent_byte_count() const = 0;

  // The peer ended TLS properly, or there is none. Meaningful after the end of the stream.
  virtual bool ended_cleanly() const = 0;

  // Makes the destructor send RST instead of FIN.
  virtual void ResetOnClose() = 0;

  // For the event loop.
  virtual int fd() const = 0;

  // Gives the socket away, with all that was sent still under way. The stream is of no more use.
  virtual OwnedFd TakeFd() = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_BYTE_STREAM_H_
