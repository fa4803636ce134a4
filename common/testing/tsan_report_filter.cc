// Which reports of ThreadSanitizer say something, in a program with gRPC.
//
// Debian's gRPC is not instrumented. Its locks are told (visible_absl_locks.cc), but it also orders
// its threads with atomics of its own, so that whatever it frees, copies or hands on itself still
// looks like a race. A suppression for that would have to name a frame anywhere in a stack, and all
// our handlers run below one of gRPC's. This file decides by what an access is made for: the
// innermost frame that is not of a library of containers and strings. Where that is ours on both
// sides, the report stands. What is not ours is left out, and so are two accesses that gRPC
// promises to order: OnDone() comes after all other reactions of its call, and the last reference
// to a channel is let go by whoever comes last.

#if defined(__SANITIZE_THREAD__)

#include <cstring>
#include <initializer_list>

extern "C" {
// What a report has, and its accesses; from the runtime of ThreadSanitizer, for debuggers.
void* __tsan_get_current_report();
int __tsan_get_report_data(void* report, const char** description, int* count, int* stack_count,
                           int* mop_count, int* loc_count, int* mutex_count, int* thread_count,
                           int* unique_tid_count, void** sleep_trace, unsigned long trace_size);
int __tsan_get_report_mop(void* report, unsigned long index, int* tid, void** address, int* size,
                          int* write, int* atomic, void** trace, unsigned long trace_size);
void __sanitizer_symbolize_pc(void* pc, const char* format, char* text, unsigned long text_size);
}

// Nothing here may be instrumented or allocate: it runs while a report is being made.
#define IQGATE_IN_RUNTIME __attribute__((no_sanitize("thread")))

namespace {

constexpr int kFrameLimit = 64;
constexpr unsigned long kNameSize = 4096;

struct Access {
  bool ours = false;
  bool atomic = false;
  bool deletes = false;      // Frees the memory, rather than using it.
  bool in_done = false;      // Below OnDone() of a reactor.
  bool in_reaction = false;  // Below OnDone() or another reaction.
};

// Takes what stands in angle brackets, parentheses and braces out of a name, but "(anonymous
// namespace)::" alone: "void agw::F<int>(std::string)" becomes "void agw::F". Angle brackets of
// operators do no harm.
IQGATE_IN_RUNTIME void StripArguments(char* name) {
  static constexpr char kAnonymous[] = "(anonymous namespace)::";
  constexpr unsigned long kAnonymousSize = sizeof(kAnonymous) - 1;
  char* out = name;
  int depth = 0;
  for (const char* in = name; *in != '\0';) {
    if (std::strncmp(in, kAnonymous, kAnonymousSize) == 0) {
      in += kAnonymousSize;
      continue;
    }
    const char c = *in++;
    if (c == '<' || c == '(' || c == '{') {
      ++depth;
    } else if (c == '>' || c == ')' || c == '}') {
      if (depth > 0) --depth;
    } else if (depth == 0) {
      *out++ = c;
    }
  }
  *out = '\0';
}

IQGATE_IN_RUNTIME bool StartsWith(const char* text, const char* prefix) {
  return std::strncmp(text, prefix, std::strlen(prefix)) == 0;
}

// Of containers, strings, messages and the runtime: what is done there is done for the caller.
IQGATE_IN_RUNTIME bool IsOfALibrary(const char* name) {
  for (const char* prefix :
       {"std::", "__gnu_cxx::", "absl::", "google::protobuf::", "ims::", "operator ", "__", "mem",
        "str", "free", "malloc", "calloc", "realloc"}) {
    if (StartsWith(name, prefix)) return true;
  }
  return *name == '\0';
}

IQGATE_IN_RUNTIME bool IsOurs(const char* name) {
  for (const char* prefix :
       {"agw::", "alg::", "common::", "integration::", "peers::", "canary::"}) {
    if (StartsWith(name, prefix)) return true;
  }
  return std::strcmp(name, "main") == 0;
}

// Of what calls a function object: the runtime of a thread, std::function and their like. The
// object's own function may be inlined there, so that only the type names it.
IQGATE_IN_RUNTIME bool CallsOurs(const char* name) {
  bool calls = false;
  for (const char* prefix :
       {"std::_Function_handler<", "std::thread::_State_impl<", "absl::", "void absl::"}) {
    if (StartsWith(name, prefix)) calls = true;
  }
  if (!calls || std::strstr(name, "lambda") == nullptr || std::strstr(name, "grpc::internal"))
    return false;
  for (const char* space : {"agw::", "alg::", "common::", "integration::", "peers::", "canary::"}) {
    if (std::strstr(name, space) != nullptr) return true;
  }
  return false;
}

// Of an uninstrumented library that orders what it does with atomics of its own, which are not seen:
// the count of references to an absl::Status or absl::Cord, and the spin lock over the graph in
// which absl::Mutex looks for deadlocks.
IQGATE_IN_RUNTIME bool IsOrderedUnseen(void* pc) {
  static char module[kNameSize];
  __sanitizer_symbolize_pc(pc, "%m", module, kNameSize);
  for (const char* library :
       {"/libabsl_status.", "/libabsl_cord.", "/libabsl_graphcycles_internal."}) {
    if (std::strstr(module, library) != nullptr) return true;
  }
  return false;
}

IQGATE_IN_RUNTIME Access Describe(void* report, int index) {
  Access access;
  int tid = 0;
  int size = 0;
  int write = 0;
  int atomic = 0;
  void* address = nullptr;
  void* trace[kFrameLimit] = {};
  __tsan_get_report_mop(report, index, &tid, &address, &size, &write, &atomic, trace, kFrameLimit);
  access.atomic = atomic != 0;
  // One report is made at a time.
  static char name[kNameSize];
  bool owner_found = false;
  for (int i = 0; i < kFrameLimit && trace[i] != nullptr; ++i) {
    __sanitizer_symbolize_pc(trace[i], "%f", name, kNameSize);
    name[kNameSize - 1] = '\0';
    if (i == 0) access.deletes = StartsWith(name, "operator delete") || StartsWith(name, "free");
    // Not ours. The two innermost frames may be those of memmove(), or of operator delete.
    if (i < 3 && IsOrderedUnseen(trace[i])) owner_found = true;
    if (!owner_found && CallsOurs(name)) access.ours = owner_found = true;
    StripArguments(name);
    // A template's name comes after its type.
    const char* last_space = StartsWith(name, "operator ") ? nullptr : std::strrchr(name, ' ');
    const char* function = last_space == nullptr ? name : last_space + 1;
    if (!owner_found && !IsOfALibrary(function)) {
      owner_found = true;
      access.ours = IsOurs(function);
    }
    const char* const reaction = std::strstr(function, "::On");
    if (reaction == nullptr) continue;
    for (const char* end : {"::OnDone", "::OnCancel", "::OnReadDone", "::OnWriteDone",
                            "::OnReadInitialMetadataDone", "::OnSendInitialMetadataDone"}) {
      if (std::strcmp(reaction, end) == 0) access.in_reaction = true;
    }
    if (std::strcmp(reaction, "::OnDone") == 0) access.in_done = true;
  }
  return access;
}

IQGATE_IN_RUNTIME bool SaysSomething(void* report) {
  const char* description = nullptr;
  int count = 0;
  int stack_count = 0;
  int mop_count = 0;
  int loc_count = 0;
  int mutex_count = 0;
  int thread_count = 0;
  int unique_tid_count = 0;
  void* sleep_trace[1] = {};
  __tsan_get_report_data(report, &description, &count, &stack_count, &mop_count, &loc_count,
                         &mutex_count, &thread_count, &unique_tid_count, sleep_trace, 1);
  // Leaks, deadlocks and the like are not made of two accesses.
  if (mop_count < 2) return true;
  const Access a = Describe(report, 0);
  const Access b = Describe(report, 1);
  if (!a.ours || !b.ours) return false;
  if ((a.in_done && b.in_reaction) || (b.in_done && a.in_reaction)) return false;
  if ((a.deletes && b.atomic) || (b.deletes && a.atomic)) return false;
  return true;
}

}  // namespace

namespace __tsan {

class ReportDesc;

// The runtime asks this, if a program has it, before it prints a report; true leaves the report
// out.
IQGATE_IN_RUNTIME bool OnReport(const ReportDesc*, bool suppressed) {
  return suppressed || !SaysSomething(__tsan_get_current_report());
}

}  // namespace __tsan

#endif
