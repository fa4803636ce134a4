#include "common/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace common {
namespace {

std::atomic<void (*)()> last_words_of_process{nullptr};

}  // namespace

void EndAfterFailedCheck(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  if (auto* const last_words = last_words_of_process.exchange(nullptr)) last_words();
  std::abort();
}

void SetLastWords(void (*last_words)()) { last_words_of_process.store(last_words); }

}  // namespace common
