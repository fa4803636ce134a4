#include "tests/integration/testing/heap.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

extern "C" size_t __sanitizer_get_current_allocated_bytes();

namespace integration {

size_t AllocatedByteCount() { return __sanitizer_get_current_allocated_bytes(); }

}  // namespace integration

#else

#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "common/check.h"

namespace integration {
namespace {

// malloc_info() describes each arena and then all of them together, as XML.
std::string MallocInfo() {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* stream = open_memstream(&text, &size);
  CHECK(malloc_info(0, stream) == 0);
  std::fclose(stream);
  std::string result(text, size);
  std::free(text);
  return result;
}

// The size="..." of the last element that starts so.
size_t SizeOfLast(absl::string_view xml, absl::string_view element) {
  const absl::string_view attribute = " size=\"";
  size_t start = xml.rfind(element);
  CHECK(start != xml.npos);
  start = xml.find(attribute, start);
  CHECK(start != xml.npos);
  start += attribute.size();
  size_t value;
  CHECK(absl::SimpleAtoi(xml.substr(start, xml.find('"', start) - start), &value));
  return value;
}

}  // namespace

size_t AllocatedByteCount() {
  const std::string xml = MallocInfo();
  return SizeOfLast(xml, "<system type=\"current\"") + SizeOfLast(xml, "<total type=\"mmap\"") -
         SizeOfLast(xml, "<total type=\"fast\"") - SizeOfLast(xml, "<total type=\"rest\"");
}

}  // namespace integration

#endif
