// What a thread is called where the system shows threads.

#ifndef COMMON_THREAD_NAME_H_
#define COMMON_THREAD_NAME_H_

#include <string>

namespace common {

// Names the calling thread, in /proc/PID/task/TID/comm: `top -H`, debuggers and tools/bench show
// it. What Linux has no room for, beyond 15 octets, is cut off. Threads that this one starts
// inherit the name.
void NameThisThread(const std::string& name);

}  // namespace common

#endif  // COMMON_THREAD_NAME_H_
