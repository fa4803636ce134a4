// RETURN_IF_ERROR and ASSIGN_OR_RETURN, with the names later Abseil releases give them.

#ifndef COMMON_STATUS_MACROS_H_
#define COMMON_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function if `expr` is not OK.
#define RETURN_IF_ERROR(expr)                      \
  do {                                             \
    absl::Status iqgate_status = (expr);           \
    if (!iqgate_status.ok()) return iqgate_status; \
  } while (false)

// Evaluates `expr`, an absl::StatusOr; returns its status if there is no value, else does
// `lhs = value`. `lhs` may be a declaration.
#define ASSIGN_OR_RETURN(lhs, expr) \
  IQGATE_ASSIGN_OR_RETURN(IQGATE_CONCAT(iqgate_status_or_, __LINE__), lhs, expr)

#define IQGATE_ASSIGN_OR_RETURN(temporary, lhs, expr)        \
  auto temporary = (expr);                                   \
  if (!temporary.ok()) return std::move(temporary).status(); \
  lhs = *std::move(temporary)

#define IQGATE_CONCAT(a, b) IQGATE_CONCAT_INNER(a, b)
#define IQGATE_CONCAT_INNER(a, b) a##b

#endif  // COMMON_STATUS_MACROS_H_
