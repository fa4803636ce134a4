// What orders gRPC's threads, told to ThreadSanitizer.
//
// Debian's gRPC and Abseil are not instrumented. ThreadSanitizer knows pthread's mutexes, but gRPC
// locks with absl::Mutex, which is made of atomics and a futex inside a library that it cannot see
// into: whatever one of gRPC's threads hands to another then looks like a race. Each of our
// handlers runs below a frame of gRPC, so leaving out reports with such a frame would leave out
// ours too. Therefore this file defines the functions of absl::Mutex and absl::CondVar that gRPC
// calls. The definition in the program goes before that of the shared library; it calls the
// library's and says what that means.

#if defined(__SANITIZE_THREAD__)

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace {

// The function of the shared library, by its mangled name. A member function is called like one
// that takes the object first.
template <typename Function>
Function* InLibrary(const char* name) {
  void* const function = dlsym(RTLD_NEXT, name);
  if (function == nullptr) {
    std::fprintf(stderr, "%s: not in Debian's Abseil\n", name);
    std::abort();
  }
  return reinterpret_cast<Function*>(function);
}

}  // namespace

void absl::Mutex::Lock() {
  static auto* const lock = InLibrary<void(Mutex*)>("_ZN4absl7debian35Mutex4LockEv");
  lock(this);
  __tsan_acquire(this);
}

bool absl::Mutex::TryLock() {
  static auto* const try_lock = InLibrary<bool(Mutex*)>("_ZN4absl7debian35Mutex7TryLockEv");
  const bool locked = try_lock(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void absl::Mutex::Unlock() {
  static auto* const unlock = InLibrary<void(Mutex*)>("_ZN4absl7debian35Mutex6UnlockEv");
  __tsan_release(this);
  unlock(this);
}

void absl::CondVar::Wait(Mutex* mutex) {
  static auto* const wait =
      InLibrary<void(CondVar*, Mutex*)>("_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE");
  __tsan_release(mutex);
  wait(this, mutex);
  __tsan_acquire(mutex);
}

bool absl::CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static auto* const wait = InLibrary<bool(CondVar*, Mutex*, Duration)>(
      "_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  __tsan_release(mutex);
  const bool expired = wait(this, mutex, timeout);
  __tsan_acquire(mutex);
  return expired;
}

bool absl::CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static auto* const wait = InLibrary<bool(CondVar*, Mutex*, Time)>(
      "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  __tsan_release(mutex);
  const bool expired = wait(this, mutex, deadline);
  __tsan_acquire(mutex);
  return expired;
}

#endif
