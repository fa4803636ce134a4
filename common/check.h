// CHECK: for what can only be a mistake of ours, or a failure of the system that a restart cures
// better than code does. Ends the process with file, line and condition. (Abseil has it since
// 2023.)

#ifndef COMMON_CHECK_H_
#define COMMON_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (__builtin_expect(!(condition), 0)) {                                             \
      std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

#endif  // COMMON_CHECK_H_
