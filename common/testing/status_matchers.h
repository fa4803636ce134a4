// Matchers for absl::Status and absl::StatusOr, with the names later Abseil releases give them.

#ifndef COMMON_TESTING_STATUS_MATCHERS_H_
#define COMMON_TESTING_STATUS_MATCHERS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).ok();
}

MATCHER_P(StatusIs, code, "has the status code " + absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message, "has a status code and a message") {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).code() == code &&
         testing::ExplainMatchResult(message, std::string(StatusOf(arg).message()),
                                     result_listener);
}

MATCHER_P(IsOkAndHolds, value, "is OK and holds a value") {
  *result_listener << StatusOf(arg);
  return arg.ok() && testing::ExplainMatchResult(value, *arg, result_listener);
}

// Ends the test if there is no value, else does `lhs = value`.
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  IQGATE_ASSERT_OK_AND_ASSIGN(IQGATE_TEST_CONCAT(status_or_, __LINE__), lhs, expr)
#define IQGATE_ASSERT_OK_AND_ASSIGN(temporary, lhs, expr) \
  auto temporary = (expr);                                \
  ASSERT_TRUE(temporary.ok()) << temporary.status();      \
  lhs = *std::move(temporary)
#define IQGATE_TEST_CONCAT(a, b) IQGATE_TEST_CONCAT_INNER(a, b)
#define IQGATE_TEST_CONCAT_INNER(a, b) a##b

}  // namespace common

#endif  // COMMON_TESTING_STATUS_MATCHERS_H_
