// The man page, made from the table.

#ifndef IQCTL_CLI_MAN_PAGE_H_
#define IQCTL_CLI_MAN_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "iqctl/cli/command.h"

namespace iqctl {

// Section 1, in roff with the macros of man(7). The same for the same table and version.
std::string ManPage(const CommandTable& table, absl::string_view version);

}  // namespace iqctl

#endif  // IQCTL_CLI_MAN_PAGE_H_
