// Completion for shells, made from the table.

#ifndef IQCTL_CLI_COMPLETION_H_
#define IQCTL_CLI_COMPLETION_H_

#include <string>

#include "iqctl/cli/command.h"

namespace iqctl {

// Scripts to be sourced. They know commands, options and choices, and ask no service.
std::string BashCompletion(const CommandTable& table);
std::string ZshCompletion(const CommandTable& table);

}  // namespace iqctl

#endif  // IQCTL_CLI_COMPLETION_H_
