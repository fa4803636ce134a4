#include "tests/bench/payloads.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/ip_address.h"

namespace bench {
namespace {

constexpr size_t kChunkSize = 64 * 1024;

std::string Send(absl::string_view to, absl::string_view from, absl::string_view content) {
  return absl::StrCat("MSRP d93kswow SEND\r\nTo-Path: ", to, "\r\nFrom-Path: ", from,
                      "\r\nMessage-ID: 12339sdqwer\r\nFailure-Report: no\r\n", content,
                      "-------d93kswow$\r\n");
}

std::string SendChunk(absl::string_view to, absl::string_view from) {
  return Send(
      to, from,
      absl::StrCat("Byte-Range: 1-", kChunkSize, "/", kChunkSize,
                   "\r\nContent-Type: text/plain\r\n\r\n", std::string(kChunkSize, 'm'), "\r\n"));
}

std::string Line(const common::TransportAddress& /*proxy*/) {
  return "0123456789abcdefghijklmnopqrstuvwxyz\r\n";
}

// What stands for the far end in the messages of an end.
std::string CoreAsThePhoneKnowsIt(const common::TransportAddress& proxy) {
  return absl::StrCat("msrps://", proxy.ToString(), "/core;tcp");
}
std::string PhoneAsTheCoreKnowsIt(const common::TransportAddress& proxy) {
  return absl::StrCat("msrp://", proxy.ToString(), "/phone;tcp");
}

}  // namespace

Payloads PlainPayloads() { return {Line, Line}; }

Payload PlainGreeting() {
  return [](const common::TransportAddress&) { return std::string("g"); };
}

Payload MsrpGreeting() {
  return [](const common::TransportAddress& proxy) {
    return Send(PhoneAsTheCoreKnowsIt(proxy), kCorePath, "");
  };
}

Payloads MsrpUp() {
  return {[](const common::TransportAddress& proxy) {
            return SendChunk(CoreAsThePhoneKnowsIt(proxy), kPhonePath);
          },
          [](const common::TransportAddress& proxy) {
            return SendChunk(kCorePath, PhoneAsTheCoreKnowsIt(proxy));
          }};
}

Payloads MsrpDown() {
  return {[](const common::TransportAddress& proxy) {
            return SendChunk(PhoneAsTheCoreKnowsIt(proxy), kCorePath);
          },
          [](const common::TransportAddress& proxy) {
            return SendChunk(kPhonePath, CoreAsThePhoneKnowsIt(proxy));
          }};
}

}  // namespace bench
