// Makes system calls fail, for tests of what happens then.

#ifndef AGW_SERVICE_NET_TESTING_FAILING_CALLS_H_
#define AGW_SERVICE_NET_TESTING_FAILING_CALLS_H_

namespace agw {

// The errno with which calls of a kind fail; 0: they work. A test that links this library calls its
// functions in place of those of libc.
struct FailingCalls {
  int accept = 0;
  int socket = 0;
  int bind = 0;
  int listen = 0;
  int connect = 0;
  int attach_filter = 0;  // setsockopt(SO_ATTACH_FILTER)
};

// Those of this thread.
FailingCalls& failing_calls();

}  // namespace agw

#endif  // AGW_SERVICE_NET_TESTING_FAILING_CALLS_H_
