// How much memory the process holds, the services and the peers together.

#ifndef TESTS_INTEGRATION_TESTING_HEAP_H_
#define TESTS_INTEGRATION_TESTING_HEAP_H_

#include <cstddef>

namespace integration {

// Octets that are allocated now and not freed yet, of all threads. Freed ones that a thread keeps
// for itself may count.
size_t AllocatedByteCount();

}  // namespace integration

#endif  // TESTS_INTEGRATION_TESTING_HEAP_H_
