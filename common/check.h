// CHECK: for what can only be a mistake of ours, or a failure of the system that a restart cures
// better than code does. Ends the process with file, line and condition. (Abseil has it since
// 2023.)

#ifndef COMMON_CHECK_H_
#define COMMON_CHECK_H_

#define CHECK(condition)                                             \
  do {                                                               \
    if (__builtin_expect(!(condition), 0)) {                         \
      ::common::EndAfterFailedCheck(__FILE__, __LINE__, #condition); \
    }                                                                \
  } while (false)

namespace common {

[[noreturn]] void EndAfterFailedCheck(const char* file, int line, const char* condition);

// `last_words` is called before a failed CHECK ends the process, once, on the thread that failed.
// Thread-safe.
void SetLastWords(void (*last_words)());

}  // namespace common

#endif  // COMMON_CHECK_H_
