// What is sent in bulk: octets of no meaning, or MSRP that an IMS-AGW reads and rewrites.

#ifndef TESTS_BENCH_PAYLOADS_H_
#define TESTS_BENCH_PAYLOADS_H_

#include "absl/strings/string_view.h"
#include "tests/bench/load.h"

namespace bench {

// The URI in "a=path" of each end, the same in all sessions.
inline constexpr absl::string_view kPhonePath = "msrps://phone.example:2855/phone;tcp";
inline constexpr absl::string_view kCorePath = "msrp://core.of.example:7000/core;tcp";

// A line of text.
Payloads PlainPayloads();

// One octet, and a request without content from the core.
Payload PlainGreeting();
Payload MsrpGreeting();

// Requests with a chunk of 64 KiB each (RFC 4975), to the URI that each end was told: the authority
// of its own termination. They arrive with the paths of the ends themselves, and as long as they
// were.
Payloads MsrpUp();
Payloads MsrpDown();

}  // namespace bench

#endif  // TESTS_BENCH_PAYLOADS_H_
