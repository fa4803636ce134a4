#include "common/thread_name.h"

#include <pthread.h>

namespace common {

void NameThisThread(const std::string& name) {
  // Refused where it is longer.
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace common
