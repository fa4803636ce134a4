// The file descriptors of this process: how many there may be, and how many there are.

#ifndef COMMON_FILE_DESCRIPTORS_H_
#define COMMON_FILE_DESCRIPTORS_H_

#include <cstdint>

namespace common {

// Raises the soft limit of open files to the hard one, which is what an operator has set; the soft
// one is often 1,024 for the sake of programs that use select(). Returns the limit there is then.
// Call it at start: it also opens what `OpenFileDescriptorCount()` looks with.
uint64_t RaiseFileDescriptorLimit();

// The soft limit as it is now.
uint64_t FileDescriptorLimit();

// How many are open now; right also when no further one can be opened, after
// `RaiseFileDescriptorLimit()`. Thread-safe.
uint64_t OpenFileDescriptorCount();

}  // namespace common

#endif  // COMMON_FILE_DESCRIPTORS_H_
