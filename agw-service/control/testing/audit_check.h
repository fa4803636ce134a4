// Whether what a worker says of itself is so.

#ifndef AGW_SERVICE_CONTROL_TESTING_AUDIT_CHECK_H_
#define AGW_SERVICE_CONTROL_TESTING_AUDIT_CHECK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agw-service/control/testing/iq_worker.h"
#include "agw-service/net/testing/fake_kernel.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace agw {

// By context id.
using Audits = std::map<std::string, ims::iq::v1::AuditContextResponse>;

// What is wrong; empty if nothing is. To be called between two turns. `audits` are those of all
// contexts now. Each is held against the kernel's sockets, one by one: who listens, with a gate that
// lets in whom the orders let in and nobody else; who is connected, and where to; that there is no
// other descriptor, but for sockets that are read to their end. And against what is set aside:
// descriptors, ports, the number of contexts.
std::string FindUntruth(IqWorker& worker, const Audits& audits);

// All that can be seen of a worker: its audits, its descriptors and its counts. A call that fails
// leaves it as it was. Without the history, in which such a call has its place.
struct WorkerPicture {
  std::string ToString() const;
  friend bool operator==(const WorkerPicture& a, const WorkerPicture& b);

  Audits audits;
  std::vector<ShownDescriptor> descriptors;
  uint32_t context_count;
  int64_t descriptors_left;
};
WorkerPicture PictureOf(IqWorker& worker);

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_TESTING_AUDIT_CHECK_H_
